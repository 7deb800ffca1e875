import type { Command } from "../command.js";
export const demoCommand: Command = async () => 0;
