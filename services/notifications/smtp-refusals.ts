/** What a mail server answered, and to which command, as nodemailer tells it. */
export interface SmtpAnswer {
	command?: string;
	responseCode?: number;
	/** All lines of the answer, with their codes. */
	response?: string;
}

interface Refusal {
	/** Tried on the reply code, the enhanced code (RFC 3463; none: `-`) and the words: `550 5.1.1 no such user`. */
	answer: RegExp;
	/** At these commands; without it at those that are about the recipient or the mail. */
	at?: RegExp;
	isFinal: boolean;
}

const OF_THIS_MAIL = /^(RCPT TO|DATA)$/;

/**
 * Which refusals are final; the first row that fits counts, and what fits none is tried again. Final is only what the
 * server says of the recipient (there is no such mailbox) or of this mail (a policy that is named here). What it has
 * against the shop itself, and trouble of its own, is mended by somebody: trying again costs nothing, a lost mail does.
 * Codes: RFC 5321, RFC 3463 and IANA's registry of enhanced status codes.
 */
const REFUSALS: Refusal[] = [
	// The mail is larger than the server or the mailbox takes, which some say before they are told the recipient.
	{ answer: /^5\d\d 5\.(3\.4|2\.3) /, at: /^(MAIL FROM|RCPT TO|DATA)$/, isFinal: true },
	// Busy, or a code that contradicts itself, as some greylisters send.
	{ answer: /^(?!5)|^5\d\d 4\./, isFinal: false },
	// The shop has to log in, or its sender's address is refused.
	{
		answer:
			/^53[0458] |^5\d\d 5\.(1\.[78]|7\.8) |sender (address rejected|verif\S+ failed|domain)|authentication (is )?required/,
		isFinal: false,
	},
	// The shop's server is on a block list, may not relay, or lacks SPF, DKIM or a name in DNS: its operator mends that.
	{
		answer:
			/^5\d\d 5\.7\.2[0-7] |block(ed|ing)?[ -]?list|\bblocked\b|blacklist|reputation|spamhaus|\b(dnsbl|rbl|spf|dkim|dmarc|ptr)\b|reverse dns|relay|unauthenticated|messages from \[/,
		isFinal: false,
	},
	// It passes by the server's own words.
	{
		answer:
			/gr[ea]y-?\s?list|try (it )?(again|later)|\bretry\b|temporar|\brate\b|rate-?limit|throttl|too (many|much|fast)|flood|defer|local error|\blater\b/,
		isFinal: false,
	},
	// The server is in trouble, by its own words, whatever the code.
	{
		answer:
			/\b(internal|system|server|service|software|back-?end|database|directory|ldap|disk|filter|scanner|resources?|lookup|verification|callout)\b[^.;:]{0,40}\b(error|fail\w*|down|unavailable|crash\w*|full|exhausted|problem|unreachable)|\b(error|failure) (in|of|at|while)\b|time(d|s)?[ -]?out|\b(unable|failed) to\b|could ?n[o']t|can(not|'t) (be )?(verif|check|connect|contact|reach)|not respond|crash|out of (disk|memory|space|resources)|insufficient|unreachable/,
		isFinal: false,
	},
	// There is no such mailbox or domain, or it takes no mail.
	{ answer: /^5\d\d 5\.(1\.\d+|2\.1|4\.310) /, isFinal: true },
	// The named policies: against what the mail holds, or who may write to this recipient.
	{
		answer:
			/^5\d\d 5\.7\.\d+ .*\b(spam|unsolicited|content|virus|malware|phishing|attachment|policy|policies|prohibited|restricted|access denied|not (allowed|authori[sz]ed|permitted|accepted))\b/,
		isFinal: true,
	},
	// It would need an encoding that the server does not have.
	{ answer: /^5\d\d 5\.6\.7 /, isFinal: true },
	// By its words, where the code tells another thing or nothing.
	{
		answer:
			/(no such|unknown|invalid|not a valid) (user|recipient|mailbox|address|account|domain)|(user|recipient|mailbox|account|domain)\b[^.;:]{0,60} (unknown|not found|not exist|not local|not allowed|unavailable|disabled|inactive)|no mailbox here|unrouteable address|doesn't have an? .*account|recipient address rejected: access denied/,
		isFinal: true,
	},
];

/** Whether a server refuses this recipient or this mail, and will again. */
export function isFinalRefusal({ command = "", responseCode = 0, response = "" }: SmtpAnswer): boolean {
	const answer = `${responseCode} ${enhancedCode(response)} ${wordsOf(response)}`;
	const row = REFUSALS.find((one) => (one.at ?? OF_THIS_MAIL).test(command) && one.answer.test(answer));
	return row?.isFinal ?? false;
}

/** Most servers say it first (RFC 2034), some in brackets or after a #; no part of an IP address is one. */
function enhancedCode(response: string): string {
	return /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)/.exec(response)?.[0] ?? "-";
}

/** Without codes, addresses and links, in which any word may be. */
function wordsOf(response: string): string {
	return response
		.toLowerCase()
		.replace(/^\d{3}[ -](#?\d\.\d{1,3}\.\d{1,3})?/gm, " ")
		.replace(/\S+@\S+|https?:\S+/g, " ")
		.replace(/\s+/g, " ")
		.trim();
}
