// All that the proxy says by itself, for docs/errors.md.

import type { ErrorEntry } from "../postgres/error-catalogue.js";
import * as errors from "./proxy-errors.js";

/** A namespace import, so that an entry can't be left out. */
export const proxyErrors: readonly ErrorEntry[] = Object.values<ErrorEntry>(errors);
