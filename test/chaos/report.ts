import { printAudit } from "../../audit/report.ts";
import type { Report } from "./run.ts";

/** Prints what a run did and found, for a person. */
export function printReport(report: Report): void {
	const { minutes, seed, store } = report.options;
	const list = (counts: Map<string, number>) =>
		[...counts].map(([what, times]) => `${times} × ${what}`).join(", ") || "none";
	console.log(`\n${minutes} minutes on ${store}, seed ${seed}`);
	console.log(`faults      ${list(report.faults)}`);
	console.log(`            ${report.own_exits} processes ended by themselves and were started again`);
	console.log(`answers     ${list(new Map([...report.answers].sort()))}`);
	console.log(`orders      ${report.accepted} accepted; in the end ${list(report.orders)}`);
	console.log(`settled     ${(report.settled_ms / 1000).toFixed(1)} s after the end\n`);
	printAudit(report.audit);
	for (const violation of report.violations) {
		console.log(`VIOLATION ${violation}`);
	}
	const wrong = report.violations.length + report.audit.breaches.length;
	console.log(wrong === 0 ? "every promise was kept" : `${wrong} promises were broken`);
}
