const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Signals that are deferred: the first one received, and the end of the deferral. */
export interface HeldSignals {
	received(): NodeJS.Signals | undefined;
	release(): void;
}

let held: HeldSignals | undefined;

/**
 * Defers the signals that would end this process while it starts servers, which would be orphaned, until `release` or
 * `deliverHeldSignals`. After `limit_ms`, or at a second signal, the process ends.
 */
export function holdSignals(limit_ms: number): HeldSignals {
	let received: NodeJS.Signals | undefined;
	let timer: NodeJS.Timeout | undefined;
	const release = () => {
		held = undefined;
		clearTimeout(timer);
		for (const signal of SIGNALS) {
			process.removeListener(signal, hold);
		}
	};
	const hold = (signal: NodeJS.Signals) => {
		const end = () => {
			release();
			process.kill(process.pid, signal);
		};
		if (received !== undefined) {
			return end();
		}
		received = signal;
		timer = setTimeout(end, limit_ms);
	};
	for (const signal of SIGNALS) {
		process.on(signal, hold);
	}
	held = { received: () => received, release };
	return held;
}

/**
 * Ends the deferral, if there is one, and delivers the signal that was received. Call it when the process's own
 * handlers are installed: without an interval between the two, no signal can end the process by default.
 */
export function deliverHeldSignals(): void {
	const signal = held?.received();
	held?.release();
	if (signal !== undefined) {
		process.kill(process.pid, signal);
	}
}
