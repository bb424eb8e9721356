// The system, for explored sources: there is none.

/** Closes nothing. */
export function closeFd(_fd: number): void {}
