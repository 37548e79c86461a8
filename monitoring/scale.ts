/** Parameters of the rules, so that a test does not wait for minutes and a deployment says what it runs. */
export interface Scale {
	/** At least so many processes of each service, the gateway included. */
	processes: Record<string, number>;
	/** Divisor of every duration and time limit: 1, except in tests. */
	speed: number;
}

const UNITS: [name: string, seconds: number][] = [
	["d", 86_400],
	["h", 3600],
	["m", 60],
	["s", 1],
];

/** Writes a time in seconds as Prometheus reads it, such as `5m`. */
export function duration(seconds: number, { speed }: Pick<Scale, "speed">): string {
	const scaled = Math.round((seconds / speed) * 1000) / 1000;
	const [name, size] = UNITS.find(([, size]) => Number.isInteger(scaled / size)) ?? ["ms", 0.001];
	return `${Math.round(scaled / size)}${name}`;
}

/** Writes a time limit in an expression, in seconds. */
export function limit(seconds: number, { speed }: Pick<Scale, "speed">): string {
	return String(seconds / speed);
}
