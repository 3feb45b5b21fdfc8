import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shaper } from '../../src/pace/shaper.ts';
import { admit } from '../support/promised-slices.ts';
import { SimClock } from '../support/sim-clock.ts';

const RATE = 1_000_000;

function shaperAt(rateBytesPerSec = RATE) {
  const clock = new SimClock();
  return { clock, shaper: new Shaper(clock, rateBytesPerSec) };
}

/** Asks for bytes and notes when they are admitted. */
function ask(
  shaper: Shaper,
  clock: SimClock,
  bytes: number,
  signal?: AbortSignal,
  leftBytes?: number,
  onAdmitted?: () => void,
) {
  const asked: { admittedMs?: number; reason?: unknown } = {};
  admit(shaper, bytes, signal, leftBytes, onAdmitted).then(
    () => {
      asked.admittedMs = clock.monotonicMs();
    },
    (reason) => {
      asked.reason = reason;
    },
  );
  return asked;
}

describe('shaper', () => {
  it('admits slices at the rate, first come, first served', async () => {
    const { clock, shaper } = shaperAt();
    const asked = [ask(shaper, clock, 10_000), ask(shaper, clock, 10_000), ask(shaper, clock, 5_000)];
    await clock.advance(100);
    assert.deepEqual(
      asked.map(({ admittedMs }) => admittedMs),
      [10, 20, 25],
    );
  });

  it('tells how long the requests that wait keep the line busy', async () => {
    const { clock, shaper } = shaperAt();
    ask(shaper, clock, 10_000, undefined, 30_000);
    ask(shaper, clock, 10_000);
    assert.equal(shaper.busyMs, 40);
    await clock.advance(10);
    assert.equal(shaper.busyMs, 10);
  });

  /** A request whose slices come one after the other. */
  async function request(
    shaper: Shaper,
    name: string,
    slices: number,
    order: string[],
    { sliceBytes = 10_000, stop = new AbortController(), onAdmitted = (): void => undefined } = {},
  ): Promise<void> {
    const { signal } = stop;
    for (let left = slices; left > 0; left -= 1) {
      await admit(shaper, sliceBytes, signal, left * sliceBytes, onAdmitted);
      order.push(name);
    }
  }

  it('lets a request go on until it has ended, and then the next', async () => {
    const { clock, shaper } = shaperAt();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) void request(shaper, name, 3, order);
    await clock.advance(200);
    assert.equal(order.join(''), 'aaabbbccc');
  });

  it('lets it go on before those whom a late timer let begin', async () => {
    // Regression: on a slow link all that had begun shared what there was, and none ended.
    const { clock, shaper } = shaperAt();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) void request(shaper, name, 3, order);
    await clock.freeze(20);
    await clock.advance(200);
    assert.equal(order.join(''), 'abaabbccc');
  });

  it('lets short requests have their turn after 100 ms of a long one', async () => {
    const { clock, shaper } = shaperAt(10 * RATE);
    const order: string[] = [];
    void request(shaper, 'L', 15, order, { sliceBytes: 100_000 });
    for (const name of ['a', 'b']) void request(shaper, name, 3, order, { sliceBytes: 100_000 });
    await clock.advance(500);
    assert.equal(order.join(''), `${'L'.repeat(10)}aaabbb${'L'.repeat(5)}`);
  });

  it('lets them have it after 256 KiB of one on a slow link', async () => {
    const { clock, shaper } = shaperAt(100_000);
    const order: string[] = [];
    for (const [name, slices] of [['L', 30] as const, ['a', 26] as const])
      void request(shaper, name, slices, order);
    await clock.advance(7_000);
    // Now and then a slice of the long one, so that it is never silent for long.
    assert.equal(order.join('').replace(/(?<=a)L(?=a)/g, ''), `${'L'.repeat(27)}${'a'.repeat(26)}LL`);
  });

  it('lets a long request end before another long one begins', async () => {
    const { clock, shaper } = shaperAt(10 * RATE);
    const order: string[] = [];
    for (const name of ['K', 'L']) void request(shaper, name, 15, order, { sliceBytes: 100_000 });
    await clock.advance(500);
    assert.equal(order.join(''), 'K'.repeat(15) + 'L'.repeat(15));
  });

  it('lets a second long one begin rather than keep tokens that the first does not take', async () => {
    const { clock, shaper } = shaperAt();
    const long = new AbortController();
    ask(shaper, clock, 10_000, long.signal, 1_000_000);
    await clock.advance(10);
    const second = ask(shaper, clock, 10_000, new AbortController().signal, 1_000_000);
    await clock.advance(20);
    // Its tokens are there at 20 ms, and go unused for 1 % of the second that it will take.
    assert.equal(second.admittedMs, 30);
  });

  it('lets none begin while a long one opens its connection, as long as that is short beside what it takes', async () => {
    // Regression: at the floor of a link two long ones had begun, took turns, and both ended late.
    const { clock, shaper } = shaperAt(10_000);
    const [first, second] = [new AbortController().signal, new AbortController().signal];
    ask(shaper, clock, 1_400, first, 1_000_000);
    await clock.advance(140);
    const other = ask(shaper, clock, 1_400, second, 1_000_000);
    await clock.advance(900);
    const next = ask(shaper, clock, 1_400, first, 998_600);
    await clock.advance(0);
    assert.equal(next.admittedMs, 1_040);
    // A hundredth of 100 s, less what went unused before.
    await clock.advance(600);
    assert.equal(other.admittedMs, 1_040 + 140 + (1_000 - 760));
  });

  it('lets long ones that have begun beside each other end one after the other', async () => {
    const { clock, shaper } = shaperAt();
    const order: string[] = [];
    const stop = new AbortController();
    ask(shaper, clock, 10_000, stop.signal, 600_000);
    await clock.advance(10);
    // Its second slice comes late: another has begun meanwhile.
    void request(shaper, 'L', 60, order);
    await clock.advance(30);
    void request(shaper, 'K', 59, order, { stop });
    await clock.advance(2_000);
    assert.match(order.join(''), /^L{2,3}K{59}L+$/);
  });

  it('lets the next long one begin when the one in its middle was broken off', async () => {
    const { clock, shaper } = shaperAt(10 * RATE);
    const order: string[] = [];
    const stop = new AbortController();
    request(shaper, 'K', 15, order, { sliceBytes: 100_000, stop }).catch(() => undefined);
    void request(shaper, 'L', 10, order, { sliceBytes: 100_000 });
    await clock.advance(50);
    stop.abort();
    await clock.advance(500);
    assert.equal(order.join(''), 'K'.repeat(5) + 'L'.repeat(10));
  });

  it('lets none be silent for long in the middle of a request, and leaves the rest to the one in turn', async () => {
    const { clock, shaper } = shaperAt();
    const order: string[] = [];
    for (const [name, slices] of [['L', 30] as const, ['b', 20] as const, ['c', 20] as const])
      void request(shaper, name, slices, order);
    await clock.advance(300);
    assert.equal(order.join(''), `${'L'.repeat(27)}bbb`);
    shaper.setRate(10_000); // a slice a second
    order.length = 0;
    await clock.advance(20_000);
    // The three left of L, two and a half seconds apart; c has not begun and can wait.
    assert.equal(order.join(''), 'bbbLbbLbbLbbbbbbbbbb');
  });

  it('begins no more requests than can have 1,000 bytes a second each, but always two', async () => {
    const { clock, shaper } = shaperAt(4_000);
    // Each sends a slice and is then busy with its connection.
    for (let request = 0; request < 9; request += 1)
      ask(shaper, clock, 1_400, new AbortController().signal, 3_000);
    await clock.advance(60_000);
    assert.equal(shaper.activity().admittedBytes, 4 * 1_400);
    const slow = shaperAt(1_250);
    for (let request = 0; request < 9; request += 1)
      ask(slow.shaper, slow.clock, 1_400, new AbortController().signal, 3_000);
    await slow.clock.advance(60_000);
    assert.equal(slow.shaper.activity().admittedBytes, 2 * 1_400);
  });

  it('begins none while the line has no room, lets those go on that have begun, and begins one when there is room', async () => {
    const { clock, shaper } = shaperAt();
    const order: string[] = [];
    void request(shaper, 'a', 5, order);
    await clock.advance(25);
    let hasRoom = false;
    shaper.hasRoom = () => hasRoom;
    // One that begins takes the room.
    const onAdmitted = () => {
      hasRoom = false;
    };
    for (const name of ['b', 'c']) void request(shaper, name, 2, order, { onAdmitted });
    await clock.advance(500);
    assert.equal(order.join(''), 'aaaaa');
    assert.equal(shaper.isHeldBack, true);
    assert.deepEqual(shaper.activity().waiting, 2);
    hasRoom = true;
    shaper.roomChanged();
    await clock.advance(500);
    assert.equal(order.join(''), 'aaaaabb');
  });

  it('lets only the first of the long ones that have begun go on while the line has no room, and none be silent for long', async () => {
    // Regression: on a slow line all that had begun had their share of it, and none ended.
    const { clock, shaper } = shaperAt();
    const [first, second] = [new AbortController().signal, new AbortController().signal];
    const slice = (signal: AbortSignal) => ask(shaper, clock, 1_000, signal, 1_000_000);
    for (const signal of [first, second]) slice(signal);
    await clock.advance(100);
    let hasRoom = false;
    shaper.hasRoom = () => hasRoom;
    const seconds = slice(second);
    const firsts = slice(first);
    await clock.advance(2_400);
    assert.deepEqual([firsts.admittedMs, seconds.admittedMs], [100, undefined]);
    await clock.advance(100);
    shaper.setRate(RATE);
    await clock.advance(0);
    assert.equal(seconds.admittedMs, 2_600);
    const more = slice(second);
    await clock.advance(100);
    assert.equal(more.admittedMs, undefined);
    hasRoom = true;
    shaper.roomChanged();
    await clock.advance(0);
    assert.equal(more.admittedMs, 2_700);
  });

  it('is not held back while the rate alone makes requests wait', async () => {
    const { clock, shaper } = shaperAt(10_000);
    const { signal } = new AbortController();
    ask(shaper, clock, 1_400, signal, 90_000);
    await clock.advance(140);
    shaper.hasRoom = () => false;
    ask(shaper, clock, 1_400, signal, 80_000);
    ask(shaper, clock, 1_400, new AbortController().signal);
    await clock.advance(70);
    assert.equal(shaper.isHeldBack, false);
    await clock.advance(500);
    assert.equal(shaper.isHeldBack, true);
  });

  it('is not idle while requests are held back: more uploads would only wait with them', async () => {
    const { clock, shaper } = shaperAt();
    shaper.hasRoom = () => false;
    for (let asked = 0; asked < 2; asked += 1) ask(shaper, clock, 1_000, new AbortController().signal);
    await clock.advance(300);
    const { idleMs, longestWaitMs } = shaper.activity();
    assert.deepEqual({ idleMs, longestWaitMs }, { idleMs: 0, longestWaitMs: 300 });
  });

  it('begins the next one as soon as one of as many as may be was broken off', async () => {
    const { clock, shaper } = shaperAt(1_250);
    const stops = Array.from({ length: 3 }, () => new AbortController());
    const asked = stops.map(({ signal }) => ask(shaper, clock, 1_250, signal, 3_000));
    await clock.advance(10_000);
    assert.equal(asked[2]?.admittedMs, undefined);
    stops[0]?.abort();
    await clock.advance(0);
    assert.equal(asked[2]?.admittedMs, 10_000);
  });

  it('serves those who wait at a new rate at once', async () => {
    const { clock, shaper } = shaperAt();
    const asked = ask(shaper, clock, 100_000);
    await clock.advance(10);
    shaper.setRate(10 * RATE);
    await clock.advance(10);
    assert.equal(asked.admittedMs, 19);
  });

  it('lets go of one who aborts, charging nothing', async () => {
    const { clock, shaper } = shaperAt();
    const abort = new AbortController();
    const first = ask(shaper, clock, 40_000, abort.signal);
    const second = ask(shaper, clock, 10_000);
    await clock.advance(5);
    abort.abort('enough');
    await clock.advance(100);
    assert.equal(first.reason, 'enough');
    assert.equal(first.admittedMs, undefined);
    assert.equal(second.admittedMs, 20); // the timer was set for the first; the tokens are all there
    assert.equal(shaper.activity().admittedBytes, 10_000);
  });

  it('is not idle while somebody still waits after another has aborted', async () => {
    const { clock, shaper } = shaperAt();
    const abort = new AbortController();
    ask(shaper, clock, 40_000, abort.signal);
    ask(shaper, clock, 40_000);
    await clock.advance(5);
    abort.abort('enough');
    await clock.advance(10);
    assert.deepEqual(shaper.activity(), { admittedBytes: 0, idleMs: 0, longestWaitMs: 0, waiting: 1 });
  });

  it('is idle from the moment the last one aborts', async () => {
    const { clock, shaper } = shaperAt();
    const abort = new AbortController();
    ask(shaper, clock, 40_000, abort.signal);
    await clock.advance(5);
    abort.abort('enough');
    await clock.advance(20);
    assert.deepEqual(shaper.activity(), { admittedBytes: 0, idleMs: 20, longestWaitMs: 0, waiting: 0 });
  });

  it('makes up for a late timer, but never for idle time', async () => {
    const { clock, shaper } = shaperAt();
    await clock.advance(60_000);
    const asked = Array.from({ length: 4 }, () => ask(shaper, clock, 10_000));
    await clock.advance(100);
    assert.deepEqual(
      asked.map(({ admittedMs }) => admittedMs),
      [60_005, 60_015, 60_025, 60_035],
    );
  });

  it('makes up for a late timer by no more than 20 ms of the rate', async () => {
    const { clock, shaper } = shaperAt();
    const asked = Array.from({ length: 8 }, () => ask(shaper, clock, 10_000));
    await clock.freeze(200);
    await clock.advance(15);
    assert.deepEqual(
      asked.map(({ admittedMs }) => admittedMs),
      [200, 200, 210, undefined, undefined, undefined, undefined, undefined],
    );
  });

  for (const { pauseMs, waitMs } of [
    { pauseMs: 5, waitMs: 0 },
    { pauseMs: 6, waitMs: 10 },
  ]) {
    it(`after a pause of ${pauseMs} ms whoever could go at once without it waits ${waitMs} ms`, async () => {
      const { clock, shaper } = shaperAt();
      ask(shaper, clock, 10_000);
      await clock.freeze(45);
      await clock.advance(pauseMs);
      const asked = ask(shaper, clock, 15_000);
      await clock.advance(100);
      assert.equal(asked.admittedMs, 45 + pauseMs + waitMs);
    });
  }

  it('holds bytes saved up only while somebody waits for them', async () => {
    const { clock, shaper } = shaperAt();
    await clock.advance(4);
    assert.equal(shaper.savedBytes, 0);
    ask(shaper, clock, 15_000);
    await clock.advance(6);
    assert.equal(shaper.savedBytes, 10_000);
    await clock.advance(5);
    assert.equal(shaper.savedBytes, 0);
  });

  it('waits on a slow link until the whole slice is earned', async () => {
    const { clock, shaper } = shaperAt(10_000);
    const asked = ask(shaper, clock, shaper.sliceBytes());
    await clock.advance(200);
    assert.equal(asked.admittedMs, 140); // 1,400 bytes at 10,000 a second
  });

  it('counts the time with nobody on, whatever the rate does meanwhile', async () => {
    const { clock, shaper } = shaperAt();
    await clock.advance(400);
    shaper.setRate(2 * RATE);
    await clock.advance(400);
    assert.equal(shaper.activity().idleMs, 800);
  });

  it('tells what it admitted, how long nobody asked, and how long those behind the next one have waited', async () => {
    const { clock, shaper } = shaperAt();
    await clock.advance(30);
    for (const bytes of [10_000, 40_000, 40_000]) ask(shaper, clock, bytes);
    await clock.advance(20);
    assert.deepEqual(shaper.activity(), { admittedBytes: 10_000, idleMs: 30, longestWaitMs: 20, waiting: 2 });
    await clock.advance(100);
    assert.deepEqual(shaper.activity(), { admittedBytes: 80_000, idleMs: 55, longestWaitMs: 0, waiting: 0 });
  });

  it('counts the wait in the middle of a request, though it is the only one', async () => {
    const { clock, shaper } = shaperAt();
    const { signal } = new AbortController();
    ask(shaper, clock, 10_000, signal, 50_000);
    await clock.advance(10);
    ask(shaper, clock, 40_000, signal, 40_000);
    await clock.advance(15);
    assert.equal(shaper.activity().longestWaitMs, 15);
  });

  it('wakes the control loop when somebody comes after a long time with nobody', async () => {
    const { clock, shaper } = shaperAt();
    let woken = 0;
    shaper.onWake = () => {
      woken += 1;
    };
    await clock.advance(500);
    ask(shaper, clock, 0);
    assert.equal(woken, 0);
    await clock.advance(300);
    shaper.setRate(2 * RATE);
    await clock.advance(201);
    ask(shaper, clock, 0);
    assert.equal(woken, 1);
  });

  const slices = [
    { rate: 32_000, bytes: 1_400, why: 'a full segment on a slow link' },
    { rate: 1_250_000, bytes: 2_500, why: '2 ms of the rate' },
    { rate: 50_000_000, bytes: 32_768, why: 'as much as leaves in a moment' },
    { rate: 125_000_000, bytes: 32_768, why: 'no more on a link of 1 Gbit/s' },
    { rate: 625_000_000, bytes: 163_840, why: 'as much as leaves in the same moment on a faster link' },
    { rate: 12_500_000_000, bytes: 262_144, why: 'as much as saves anything' },
  ];
  for (const { rate, bytes, why } of slices) {
    it(`slices at ${rate} bytes a second into ${why}`, () => {
      assert.equal(shaperAt(rate).shaper.sliceBytes(), bytes);
    });
  }
});
