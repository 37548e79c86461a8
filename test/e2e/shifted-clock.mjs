// Preloaded with `NODE_OPTIONS=--import=…`: shifts the clock of this process ahead by CLOCK_SHIFT_MS, or back if
// negative.
// biome-ignore lint/style/noProcessEnv: preloaded into programs, which know nothing of it.
const shift_ms = Number(process.env.CLOCK_SHIFT_MS);
const RightDate = Date;
const now = () => RightDate.now() + shift_ms;

globalThis.Date = new Proxy(RightDate, {
	apply: () => new RightDate(now()).toString(),
	construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
	get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
