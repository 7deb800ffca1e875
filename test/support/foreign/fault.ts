// What a foreign API does wrong on purpose: each fault strikes the next calls that it fits, once unless told otherwise.

export interface Fault {
  /** `hang` never answers. What strikes `-before` leaves all as it was; what strikes after has applied the call. */
  readonly kind: "hang-up-before" | "hang-up-after" | "hang-before" | "hang" | "error-after-apply" | "rate-limit";
  readonly times?: number;
  /** `*` in the path stands for anything. */
  readonly on?: { readonly method?: string; readonly path?: string };
  /** How long a `rate-limit` asks to wait. */
  readonly waitMs?: number;
}

export class FaultQueue {
  #waiting: readonly { readonly fault: Fault; readonly left: number }[] = [];

  add(fault: Fault): void {
    this.#waiting = [...this.#waiting, { fault, left: fault.times ?? 1 }];
  }

  clear(): void {
    this.#waiting = [];
  }

  /** The first fault that fits the call, used up by one. */
  take(method: string, path: string): Fault | undefined {
    const struck = this.#waiting.find(({ fault }) => fits(fault, method, path));
    if (!struck) return undefined;
    this.#waiting = this.#waiting
      .map((waiting) => (waiting === struck ? { ...waiting, left: waiting.left - 1 } : waiting))
      .filter(({ left }) => left > 0);
    return struck.fault;
  }
}

function fits({ on = {} }: Fault, method: string, path: string): boolean {
  const parts = (on.path ?? "*").split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return (on.method ?? method) === method && new RegExp(`^${parts.join(".*")}$`).test(path);
}
