/**
 * Profiles the process that imports it while the file `<BENCH_PROFILES>/measuring` exists, whose text names the case.
 * Writes `<BENCH_PROFILES>/<case>/<what>-<pid>.cpuprofile`, which Chrome and VS Code can open. Without that file, the
 * cost is one file check every 200 ms.
 */
// biome-ignore-all lint/style/noProcessEnv: preloaded into programs of any version of the shop.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector";
import { basename, join } from "node:path";
import { isMainThread } from "node:worker_threads";

const POLL_MS = 200;
const INTERVAL_US = 500;
const folder = process.env.BENCH_PROFILES;
const program = basename(process.argv[1] ?? "node").replace(/\.\w+$/, "");

if (folder && isMainThread && program !== "run") {
	let session;
	let measured;
	setInterval(() => {
		const wanted = read();
		if (wanted === measured) {
			return;
		}
		if (session) {
			save(session, measured);
			session = undefined;
		}
		measured = wanted;
		if (wanted !== undefined) {
			session = new Session();
			session.connect();
			session.post("Profiler.enable");
			session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
			session.post("Profiler.start");
		}
	}, POLL_MS).unref();
}

function read() {
	try {
		return readFileSync(join(folder, "measuring"), "utf8").trim() || undefined;
	} catch {
		return undefined;
	}
}

function save(session, name) {
	session.post("Profiler.stop", (error, result) => {
		session.disconnect();
		if (!error) {
			const what = [program, ...process.argv.slice(2, 3)].join("-").replaceAll(/[^\w-]/g, "_");
			mkdirSync(join(folder, name), { recursive: true });
			const file = join(folder, name, `${what}-${process.pid}.cpuprofile`);
			writeFileSync(file, JSON.stringify(result.profile));
		}
	});
}
