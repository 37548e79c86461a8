const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Defers the signals that would end this process while it starts servers, which would be orphaned. The caller asks
 * afterwards which signal was received, and shuts down cleanly. After `limit_ms`, or at a second signal, the process
 * ends.
 */
export function holdSignals(limit_ms: number): { received(): NodeJS.Signals | undefined; release(): void } {
	let received: NodeJS.Signals | undefined;
	let timer: NodeJS.Timeout | undefined;
	const release = () => {
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
	return { received: () => received, release };
}
