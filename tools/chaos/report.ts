import { printAudit } from "../audit/report.ts";
import type { MailReport } from "./mails.ts";
import type { RollingReport } from "./rolling.ts";
import type { Report } from "./run.ts";

/** Prints the result of a run for a person to read. */
export function printReport(report: Report): void {
	const { minutes, seed, store } = report.options;
	console.log(`\n${minutes} minutes on ${store}, seed ${seed}`);
	console.log(`faults      ${list(report.faults)}`);
	console.log(`            ${report.own_exits} processes exited by themselves and were restarted`);
	console.log(`responses   ${list(new Map([...report.responses].sort()))}`);
	console.log(`orders      ${report.accepted} accepted; final states: ${list(report.orders)}`);
	console.log(`settled     ${(report.settled_ms / 1000).toFixed(1)} s after the last fault\n`);
	printVerdict(report);
}

function list(counts: Map<string, number>): string {
	return [...counts].map(([what, times]) => `${times} × ${what}`).join(", ") || "none";
}

/** Prints the result of a mail run for a person to read. */
export function printMails(report: MailReport): void {
	const { events, seconds, killed, recorded, accepted, unmarked_ms, latencies_ms } = report;
	const share = ((100 * accepted.again) / accepted.mails).toFixed(3);
	const at = (part: number, sorted = latencies_ms) => sorted[Math.ceil(sorted.length * part) - 1] as number;
	console.log(`\nevents      ${events} registrations and orders in ${seconds} s`);
	console.log(`killed      ${killed.notifications} × a notifications process, ${killed.NATS} × NATS`);
	console.log(
		`recorded    ${recorded.messages} messages of ${recorded.of_events} events, including the admin's`,
	);
	console.log(`mails       ${accepted.mails} accepted, ${accepted.again} of them duplicates (${share} %)`);
	console.log(
		`            marked as sent after: median ${at(0.5, unmarked_ms).toFixed(1)} ms, p95 ${at(0.95, unmarked_ms).toFixed(1)} ms`,
	);
	console.log(
		`idle shop   from commit to accepted mail: median ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms\n`,
	);
	printVerdict(report);
}

/** Prints the responses to clients while processes were replaced, killed and unavailable, for a person to read. */
export function printRolling(report: RollingReport): void {
	const { per_second, rolling, kill, reads, failures, accepted } = report;
	const ratio = (reads.without_ms / reads.with_ms).toFixed(2);
	console.log(`\nload        ${per_second} requests a second, ${accepted} orders accepted`);
	console.log(
		`replaced    ${rolling.processes} processes in ${rolling.seconds} s: ${rolling.failed} of ${rolling.requests} requests failed`,
	);
	console.log(
		`killed      1 of 2 orders: ${kill.failed} of ${kill.requests} requests failed, the last after ${Math.round(kill.last_failure_ms)} ms`,
	);
	console.log(
		`reads       median ${reads.with_ms.toFixed(1)} ms with orders, ${reads.without_ms.toFixed(1)} ms without (${ratio} times), ${reads.failed} failed`,
	);
	console.log(`failures    ${list(failures)}\n`);
	printVerdict(report);
}

function printVerdict({ audit, violations }: Pick<Report, "audit" | "violations">): void {
	printAudit(audit);
	for (const violation of violations) {
		console.log(`VIOLATION ${violation}`);
	}
	const wrong = violations.length + audit.breaches.length;
	console.log(wrong === 0 ? "every promise was kept" : `${wrong} promises were broken`);
}
