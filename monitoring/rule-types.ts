/** A rule that records the result of an expression as a series. */
export interface RecordingRule {
	record: string;
	expr: string;
	labels?: Record<string, string>;
}

/** An alert, before its labels and annotations are in Prometheus' form. */
export interface AlertingRule {
	alert: string;
	expr: string;
	for?: string;
	/** page: somebody must act now; ticket: somebody must act in working hours. */
	severity: "page" | "ticket";
	summary: string;
	description: string;
}

/** A group of rules, which are evaluated in turn. */
export interface Group<Rule = RecordingRule> {
	name: string;
	rules: Rule[];
}
