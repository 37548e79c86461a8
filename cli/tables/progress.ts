import { Presets, SingleBar } from "cli-progress";

/** Interval between lines of progress without a terminal. */
const PROGRESS_EVERY_MS = 5000;

/** Shows the share of a command's work that is done: a bar on a terminal, otherwise a line now and then. */
export function showProgress() {
	if (process.stderr.isTTY) {
		const bar = new SingleBar(
			{ format: "{bar} {percentage}% | {eta_formatted} left" },
			Presets.shades_classic,
		);
		bar.start(1, 0);
		return { update: (share: number) => bar.update(share), stop: () => bar.stop() };
	}
	let shown_at = Date.now();
	return {
		update: (share: number) => {
			if (Date.now() - shown_at >= PROGRESS_EVERY_MS) {
				shown_at = Date.now();
				console.error(`${Math.floor(share * 100)}% done`);
			}
		},
		stop: () => {},
	};
}
