/**
 * Returns the least processor time in microseconds that the work took this process in some turns, after one that does
 * not count. The least, since what else the process does meanwhile (compiling, collecting garbage) counts as well.
 */
export async function leastProcessorTime(work: () => Promise<unknown>, turns = 10): Promise<number> {
	await work();
	const costs: number[] = [];
	for (let turn = 0; turn < turns; turn++) {
		const before = process.cpuUsage();
		await work();
		const { user, system } = process.cpuUsage(before);
		costs.push(user + system);
	}
	return Math.min(...costs);
}
