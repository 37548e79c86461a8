import { rmSync } from "node:fs";
import { Interrupted } from "../../hosting/interruption.ts";

/** A cluster of processes in a folder of its own. */
interface OwnCluster {
	folder: string;
	stop(): Promise<void>;
}

/** How a run tells its progress, and ends early. */
export interface Stage {
	say(line: string): void;
	/** Rejects when the run is to end before its work is done. */
	interrupted: Promise<never>;
}

/**
 * Does some work with a cluster and ends it then, also where the work fails or is interrupted. Logs and data are removed
 * after a good run, and where nobody reads where they are.
 */
export async function withCluster<R extends { violations: string[] }>(
	cluster: OwnCluster,
	{ say, interrupted }: Stage,
	work: () => Promise<R>,
): Promise<R> {
	let isKept = true;
	try {
		const report = await Promise.race([work(), interrupted]);
		isKept = report.violations.length > 0;
		return report;
	} catch (error) {
		isKept = !(error instanceof Interrupted) || error.isRead;
		throw error;
	} finally {
		await cluster.stop();
		if (isKept) {
			say(`logs and data are kept in ${cluster.folder}`);
		} else {
			rmSync(cluster.folder, { recursive: true, force: true });
		}
	}
}
