// Matches a glob in a time that grows only linearly with the length of the name.
import type { GlobToken } from './glob.ts';

interface Step {
  /** Undefined: the step needs no character. */
  readonly takes: ((character: string) => boolean) | undefined;
  readonly to: number;
}

/**
 * Follows all places of the pattern at which the match may be, at once, and never goes back
 * (Thompson's construction).
 */
export class GlobAutomaton {
  /** By place: the steps that lead on from it. */
  readonly #steps: Step[][] = [[]];
  readonly #end: number;

  constructor(tokens: readonly GlobToken[]) {
    let place = 0;
    let branches: { readonly from: number; readonly to: number } | undefined;
    for (const token of tokens) {
      if (token.kind === 'open') {
        branches = { from: place, to: this.#place() };
        place = this.#branch(branches.from);
      } else if (branches !== undefined && (token.kind === 'or' || token.kind === 'close')) {
        this.#step(place, undefined, branches.to);
        place = token.kind === 'or' ? this.#branch(branches.from) : branches.to;
      } else place = this.#append(place, token);
    }
    this.#end = place;
  }

  matches(text: string): boolean {
    let places = this.#reach([0]);
    for (const character of text) {
      const next: number[] = [];
      for (const place of places)
        for (const { takes, to } of this.#steps[place] ?? []) if (takes?.(character)) next.push(to);
      if (next.length === 0) return false;
      places = this.#reach(next);
    }
    return places.has(this.#end);
  }

  /** Returns these places and all that can be reached from them without a character. */
  #reach(from: readonly number[]): Set<number> {
    const reached = new Set(from);
    for (const place of reached)
      for (const { takes, to } of this.#steps[place] ?? []) if (takes === undefined) reached.add(to);
    return reached;
  }

  #append(from: number, token: GlobToken): number {
    const to = this.#place();
    switch (token.kind) {
      case 'character':
        this.#step(from, takesOne(token.source), to);
        break;
      case 'star':
        this.#loop(from, (character) => character !== '/', to);
        break;
      case 'any text':
        this.#loop(from, () => true, to);
        break;
      case 'any folders': {
        const within = this.#branch(from);
        this.#step(within, () => true, within);
        this.#step(within, (character) => character === '/', to);
        this.#step(from, undefined, to);
      }
    }
    return to;
  }

  /** Adds a separate place for the loop, so that another path to `from` does not enter the loop. */
  #loop(from: number, takes: (character: string) => boolean, to: number): void {
    const loop = this.#branch(from);
    this.#step(loop, takes, loop);
    this.#step(loop, undefined, to);
  }

  #branch(from: number): number {
    const place = this.#place();
    this.#step(from, undefined, place);
    return place;
  }

  #place(): number {
    return this.#steps.push([]) - 1;
  }

  #step(from: number, takes: Step['takes'], to: number): void {
    this.#steps[from]?.push({ takes, to });
  }
}

function takesOne(source: string): (character: string) => boolean {
  const expression = new RegExp(`^(?:${source})$`, 'su');
  return (character) => expression.test(character);
}
