/**
 * Faults that tests inject: what fails, at which of its calls, and how often that was. A fault of another kind is another `Fault`; the
 * operations of `operations.ts` are tried under all of them.
 *
 * @module
 */

/** A fault while it is armed. */
export interface Armed {
  /** Calls of the kind that can fail so far, failed or not. */
  readonly calls: number;
  /** Calls that failed. */
  readonly failed: number;
  /** Lets everything work again. */
  disarm(): void;
}

/** Something that can fail. `Ground` is what it happens on: a device, the file system. */
export interface Fault<Ground> {
  /** Head of its column in the table. */
  readonly name: string;
  /** Whether whatever stands on the ground is gone with it, so that the next call begins with opening it. */
  readonly isFinal?: boolean;
  /** Whether it happens only on ground where nothing was done before, as what is kept from call to call hides it otherwise. */
  readonly wantsFresh?: boolean;
  /** Makes call number `at` (from 1) fail, of those that come from now on; with 0, none does and calls are only counted. */
  arm(ground: Ground, at: number): Armed;
}

/** Something that is tried: first undisturbed, then under a fault, then again. */
export interface Operation<Ground> {
  /** Head of its row in the table. */
  readonly name: string;
  /** Opens what it needs, without faults. */
  open(ground: Ground): Promise<Opened>;
}

/** An operation ready to be run. */
export interface Opened {
  /** Runs it with an input of the given number, and gives what came of it in a form that can be compared. */
  run(input: number): Promise<unknown>;
  /** What lies there for others to read; a run that fails leaves it as it was before. */
  kept?(): Promise<unknown>;
  /** Frees it. */
  close(): void;
}

/** Where operations are tried. */
export interface Grounds<Ground> {
  /** The ground for a fault, shared by trials where that is possible. */
  for(fault: Fault<Ground>): Promise<Ground>;
  /** Another one. */
  fresh(): Promise<Ground>;
  /** Ends one that no other trial shares. */
  leave(ground: Ground): void;
  /** What went wrong on it that nobody was told of. */
  unheard(ground: Ground): readonly string[];
}

/** Counts calls and says which of them fails. */
export class Countdown {
  readonly #at: number;
  calls = 0;
  failed = 0;

  constructor(at: number) {
    this.#at = at;
  }

  /** Whether this call fails. */
  fails(): boolean {
    const now = ++this.calls === this.#at;
    if (now) this.failed++;
    return now;
  }
}

/** The countdown as what a test sees of it. */
export function armed(countdown: Countdown, disarm: () => void): Armed {
  return {
    get calls() {
      return countdown.calls;
    },
    get failed() {
      return countdown.failed;
    },
    disarm,
  };
}

/** Puts another function in the place of a method and returns what puts it back. */
export function replaceMethod<Holder extends object, Name extends keyof Holder>(
  holder: Holder,
  name: Name,
  make: (original: Holder[Name]) => Holder[Name],
): () => void {
  const own = Object.getOwnPropertyDescriptor(holder, name);
  const original = holder[name];
  const bound = typeof original === "function" ? original.bind(holder) : original;
  Object.defineProperty(holder, name, { configurable: true, writable: true, value: make(bound as Holder[Name]) });
  return () => {
    if (own) Object.defineProperty(holder, name, own);
    else delete holder[name];
  };
}
