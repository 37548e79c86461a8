const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Holds back the signals that would end this process while it starts servers, which would then go on
 * alone. Whoever holds asks afterwards which one came, and ends in order. After `limit_ms`, or a second
 * signal, the process ends.
 */
export function holdSignals(limit_ms: number): { received(): NodeJS.Signals | undefined; release(): void } {
	let received: NodeJS.Signals | undefined;
	let timer: NodeJS.Timeout | undefined;
	const release = () => {
		clearTimeout(timer);
		for (const signal of signals) process.removeListener(signal, hold);
	};
	const hold = (signal: NodeJS.Signals) => {
		const end = () => {
			release();
			process.kill(process.pid, signal);
		};
		if (received !== undefined) return end();
		received = signal;
		timer = setTimeout(end, limit_ms);
	};
	for (const signal of signals) process.on(signal, hold);
	return { received: () => received, release };
}
