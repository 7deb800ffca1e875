// A limit for work that may never end.

/** Resolves or rejects as `work` does, or resolves to "late" after `ms` milliseconds; what the work comes to later is dropped. */
export async function withinMs<T>(ms: number, work: Promise<T>): Promise<T | "late"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), "late");
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
