// Loaded into a daemon before all else: at SIGUSR2 its wall clock, not the monotonic one, is STEP_SECONDS off, as when
// an operator sets the machine's.
const stepMs = Number(process.env.STEP_SECONDS) * 1000;
const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [RealDate.now() + offsetMs] : given));
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

process.on('SIGUSR2', () => {
  offsetMs = stepMs;
});
