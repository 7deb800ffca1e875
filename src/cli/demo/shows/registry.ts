// The shows there are; the first is played when none is named.

import type { Show } from "../show.js";
import { hubspot } from "./hubspot.js";
import { stripe } from "./stripe.js";

export const shows: readonly [Show, ...Show[]] = [hubspot, stripe];
