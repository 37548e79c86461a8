import { rmSync } from "node:fs";
import { replaceSettings } from "../../config/settings.ts";
import { Interrupted } from "../../hosting/interruption.ts";
import { joinServers } from "../../hosting/servers.ts";
import type { Sources } from "../audit/snapshot.ts";
import { openSources } from "../audit/sources.ts";

/** A cluster of processes in its own folder. */
interface OwnCluster {
	folder: string;
	stop(): Promise<void>;
}

/** Opens the databases of a cluster from this process, which takes over the cluster's settings. */
export async function openSourcesOf(
	{ environment }: { environment: Record<string, string> },
	print: (line: string) => void,
): Promise<Sources> {
	replaceSettings(environment);
	await joinServers(print);
	return openSources();
}

/** Output and interruption of a run. */
export interface Stage {
	log(line: string): void;
	/** Rejects to end the run before its work is done. */
	interrupted: Promise<never>;
}

/**
 * Runs a function with a cluster and stops the cluster afterwards, even if the function fails or is interrupted. Logs
 * and data are kept after a failure, but removed after an interruption with a closed output.
 */
export async function withCluster<R extends { violations: string[] }>(
	cluster: OwnCluster,
	{ log, interrupted }: Stage,
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
			log(`logs and data are kept in ${cluster.folder}`);
		} else {
			rmSync(cluster.folder, { recursive: true, force: true });
		}
	}
}
