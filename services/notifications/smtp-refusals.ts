/** A mail server's response and the command that it is for, as nodemailer reports them. */
export interface SmtpAnswer {
	command?: string;
	responseCode?: number;
	/** All lines of the response, with their codes. */
	response?: string;
}

interface Refusal {
	/**
	 * Matched against the reply code, the enhanced code (RFC 3463; `-` if none) and the text: `550 5.1.1 no such user`.
	 */
	answer: RegExp;
	/** Matches the command; by default, those that concern the recipient or the mail. */
	at?: RegExp;
	isFinal: boolean;
}

const OF_THIS_MAIL = /^(RCPT TO|DATA)$/;

/**
 * Decides which refusals are final. The first matching row applies; without a match, the message is retried. A refusal
 * is final only if it concerns the recipient (there is no such mailbox) or this mail (one of the policies below).
 * Problems of the shop's server or of the other server get fixed: a retry costs nothing, a lost mail does. Codes: RFC
 * 5321, RFC 3463 and IANA's registry of enhanced status codes.
 */
const REFUSALS: Refusal[] = [
	// The mail exceeds a size limit of the server or the mailbox, which some report before they receive the recipient.
	{ answer: /^5\d\d 5\.(3\.4|2\.3) /, at: /^(MAIL FROM|RCPT TO|DATA)$/, isFinal: true },
	// A transient code, or one that contradicts itself, as some greylisters send.
	{ answer: /^(?!5)|^5\d\d 4\./, isFinal: false },
	// The shop has to log in, or its sender address is refused.
	{
		answer:
			/^53[0458] |^5\d\d 5\.(1\.[78]|7\.8) |sender (address rejected|verif\S+ failed|domain)|authentication (is )?required/,
		isFinal: false,
	},
	// The shop's server is on a block list, may not relay, or lacks SPF, DKIM or a DNS name, which its operator can fix.
	{
		answer:
			/^5\d\d 5\.7\.2[0-7] |block(ed|ing)?[ -]?list|\bblocked\b|blacklist|reputation|spamhaus|\b(dnsbl|rbl|spf|dkim|dmarc|ptr)\b|reverse dns|relay|unauthenticated|messages from \[/,
		isFinal: false,
	},
	// Transient according to the text.
	{
		answer:
			/gr[ea]y-?\s?list|try (it )?(again|later)|\bretry\b|temporar|\brate\b|rate-?limit|throttl|too (many|much|fast)|flood|defer|local error|\blater\b/,
		isFinal: false,
	},
	// The server has a problem of its own according to the text, whatever the code.
	{
		answer:
			/\b(internal|system|server|service|software|back-?end|database|directory|ldap|disk|filter|scanner|resources?|lookup|verification|callout)\b[^.;:]{0,40}\b(error|fail\w*|down|unavailable|crash\w*|full|exhausted|problem|unreachable)|\b(error|failure) (in|of|at|while)\b|time(d|s)?[ -]?out|\b(unable|failed) to\b|could ?n[o']t|can(not|'t) (be )?(verif|check|connect|contact|reach)|not respond|crash|out of (disk|memory|space|resources)|insufficient|unreachable/,
		isFinal: false,
	},
	// There is no such mailbox or domain, or it accepts no mail.
	{ answer: /^5\d\d 5\.(1\.\d+|2\.1|4\.310) /, isFinal: true },
	// Policies on the content of the mail, or on who may write to this recipient.
	{
		answer:
			/^5\d\d 5\.7\.\d+ .*\b(spam|unsolicited|content|virus|malware|phishing|attachment|policy|policies|prohibited|restricted|access denied|not (allowed|authori[sz]ed|permitted|accepted))\b/,
		isFinal: true,
	},
	// The mail needs an encoding that the server does not support.
	{ answer: /^5\d\d 5\.6\.7 /, isFinal: true },
	// Final according to the text, if the code is different or absent.
	{
		answer:
			/(no such|unknown|invalid|not a valid) (user|recipient|mailbox|address|account|domain)|(user|recipient|mailbox|account|domain)\b[^.;:]{0,60} (unknown|not found|not exist|not local|not allowed|unavailable|disabled|inactive)|no mailbox here|unrouteable address|doesn't have an? .*account|recipient address rejected: access denied/,
		isFinal: true,
	},
];

/** Tells whether a server refuses this recipient or this mail permanently. */
export function isFinalRefusal({ command = "", responseCode = 0, response = "" }: SmtpAnswer): boolean {
	const answer = `${responseCode} ${enhancedCode(response)} ${wordsOf(response)}`;
	const row = REFUSALS.find((one) => (one.at ?? OF_THIS_MAIL).test(command) && one.answer.test(answer));
	return row?.isFinal ?? false;
}

/**
 * Returns the enhanced code, which most servers send first (RFC 2034), some in brackets or after a #. Skips parts of IP
 * addresses.
 */
function enhancedCode(response: string): string {
	return /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\.?\d)/.exec(response)?.[0] ?? "-";
}

/** Returns the text without codes, addresses and links, which may contain any word. */
function wordsOf(response: string): string {
	return response
		.toLowerCase()
		.replace(/^\d{3}[ -](#?\d\.\d{1,3}\.\d{1,3})?/gm, " ")
		.replace(/\S+@\S+|https?:\S+/g, " ")
		.replace(/\s+/g, " ")
		.trim();
}
