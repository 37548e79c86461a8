/** Jest reporter that ends the output with Jest's own counts on one plain line. */
export default class CountReporter {
	onRunComplete(_contexts, results) {
		const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numFailedTestSuites } = results;
		// A test file that fails to load has no failed tests to count.
		const failed = Math.max(numFailedTests, numFailedTestSuites);
		this.line = `${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped`;
		process.once("exit", () => process.stdout.write(`${this.line}\n`));
	}
}
