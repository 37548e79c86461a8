/** Kind of problem: its HTTP status, and its message for people. `{name}` is replaced by the problem's data. */
export interface ProblemKind {
	status: number;
	en: string;
	id: string;
	/** Texts for values of the problem's data, such as a `reason`, in place of the value itself. */
	words?: Record<string, { en: string; id: string }>;
	/** Advice for clients, for the reference of errors. */
	advice: string;
	/** Names of the data that the response shows besides the text, as extension members of RFC 9457. */
	members?: readonly string[];
}

/** Kinds of problems by their stable codes. */
export type Problems = Record<string, ProblemKind>;
