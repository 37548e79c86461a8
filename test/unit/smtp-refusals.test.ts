import { expect, test } from "@jest/globals";
import { isFinalRefusal } from "../../services/notifications/smtp-refusals.ts";

function isFinal(command: string, response: string) {
	return isFinalRefusal({ command, response, responseCode: Number(response.slice(0, 3)) });
}

test.each([
	[
		"Gmail, no such mailbox",
		"RCPT TO",
		"550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550-5.1.1 unnecessary spaces. For more information, go to\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser a1-20020 - gsmtp",
	],
	[
		"Gmail, disabled",
		"RCPT TO",
		"550-5.2.1 The email account that you tried to reach is inactive. For more\n550 5.2.1 information, go to https://support.google.com/mail/?p=DisabledUser - gsmtp",
	],
	[
		"Gmail, spam",
		"DATA",
		"550-5.7.1 [203.0.113.7] Our system has detected that this message is likely unsolicited mail.\n550 5.7.1 https://support.google.com/mail/?p=UnsolicitedMessageError - gsmtp",
	],
	[
		"Exchange Online, not found",
		"RCPT TO",
		"550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
	],
	[
		"Exchange Online, directory blocking",
		"RCPT TO",
		"550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT025.eop-EUR03.prod.protection.outlook.com]",
	],
	["Exchange Online, no such domain", "RCPT TO", "550 5.4.310 DNS domain nowhere.example does not exist"],
	[
		"Outlook.com, no such mailbox",
		"RCPT TO",
		"550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
	],
	[
		"Postfix, unknown user",
		"RCPT TO",
		"550 5.1.1 <budi@shop.example>: Recipient address rejected: User unknown in virtual mailbox table",
	],
	[
		"Postfix, unknown domain",
		"RCPT TO",
		"550 5.1.2 <budi@nowhere.example>: Recipient address rejected: Domain not found",
	],
	["Postfix, content", "DATA", "550 5.7.1 message content rejected"],
	["Postfix, size", "MAIL FROM", "552 5.3.4 Message size exceeds fixed limit"],
	["Postfix, size", "DATA", "552 5.3.4 Error: message file too big"],
	[
		"a mailbox that takes no such large mail",
		"DATA",
		"552 5.2.3 Message length exceeds administrative limit",
	],
	["Sendmail, unknown user", "RCPT TO", "550 5.1.1 <budi@shop.example>... User unknown"],
	["Sendmail, undefined code", "RCPT TO", "550 5.0.0 <budi@shop.example>... No such user here"],
	["Exim, unknown user", "RCPT TO", "550 Unrouteable address"],
	["qmail, unknown user", "RCPT TO", "550 sorry, no mailbox here by that name (#5.1.1)"],
	["IronPort, refused address", "RCPT TO", "550 #5.1.0 Address rejected."],
	["not local", "RCPT TO", "551 User not local; please try <forward-path>"],
	["a name that is not allowed", "RCPT TO", "553 Requested action not taken: mailbox name not allowed"],
	[
		"Yahoo, no such mailbox",
		"DATA",
		"554 delivery error: dd Requested mail action aborted, mailbox not found",
	],
	[
		"Yahoo, no account",
		"DATA",
		"554 delivery error: dd This user doesn't have a yahoo.com account (budi@yahoo.com) [0]",
	],
	["Yahoo, policy", "DATA", "554 5.7.9 Message not accepted for policy reasons."],
	["an address of another alphabet", "RCPT TO", "553 5.6.7 SMTPUTF8 is required"],
	["a null MX", "RCPT TO", "556 5.1.10 <budi@nomail.example>: domain does not accept mail (nullMX)"],
	["policy without more", "RCPT TO", "550 5.7.0 Local policy"],
	["an address that has words of another meaning", "RCPT TO", "550 5.1.1 <rate@later.example>: User unknown"],
])("%s, at %s, is final: %s", (_, command, response) => {
	expect(isFinal(command, response)).toBe(true);
});

test.each([
	["a hiccup", "DATA", "554 Transaction failed: Local error in processing"],
	["a hiccup with a code", "DATA", "554 5.3.0 Transaction failed: Local error in processing"],
	["a hiccup at the recipient", "RCPT TO", "550 5.7.1 Local error in processing"],
	["a directory that is down", "RCPT TO", "550 LDAP server is down, cannot verify"],
	["an error without more", "RCPT TO", "550 Internal error"],
	["a store that is away", "RCPT TO", "550 Unable to check mailbox, backend unavailable"],
	["a failure of the system", "RCPT TO", "553 System failure"],
	["a full disk", "RCPT TO", "550 Requested action not taken: out of disk"],
	["a policy service that fails", "RCPT TO", "550 5.7.1 Service unavailable; internal policy service error"],
	["a reputation", "RCPT TO", "550 5.7.1 Sender IP blocked by reputation"],
	["a lookup that fails", "RCPT TO", "550 5.1.1 recipient lookup failed: timeout talking to directory"],
	["a scanner that does not respond", "DATA", "550 5.7.1 antivirus scanner not responding"],
	["a filter that crashed", "DATA", "554 5.7.0 Reject: content filter crashed"],
	["a database of users that fails", "DATA", "554 unknown user database error"],
	["a 550 that says nothing", "RCPT TO", "550 Requested action not taken"],
	["a policy that is not named", "RCPT TO", "550 5.7.1 Refused"],
	[
		"Gmail, unauthenticated mail",
		"DATA",
		"550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550 5.7.26 https://support.google.com/mail/answer/81126 - gsmtp",
	],
	[
		"Outlook.com, block list",
		"DATA",
		"550 5.7.1 Unfortunately, messages from [203.0.113.7] weren't sent. (S3140)",
	],
	["Postfix, relay", "RCPT TO", "554 5.7.1 <budi@shop.example>: Relay access denied"],
	[
		"Postfix, block list",
		"RCPT TO",
		"554 5.7.1 Service unavailable; Client host [203.0.113.7] blocked using zen.spamhaus.org",
	],
	["any other 554", "RCPT TO", "554 Transaction failed"],
	["any other 5xx of a mail", "DATA", "550 Message rejected"],
	["any other code", "RCPT TO", "550 5.4.4 Unable to route"],
	["a system error", "DATA", "554 5.3.0 Mail system failure"],
	[
		"Gmail, greylisting",
		"RCPT TO",
		"450-4.2.1 The user you are trying to contact is receiving mail too quickly.",
	],
	[
		"Gmail, too much mail for a mailbox",
		"RCPT TO",
		"550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550 5.2.1 prevents additional messages from being delivered. - gsmtp",
	],
	["Gmail, daily quota", "DATA", "550-5.4.5 Daily user sending limit exceeded.\n550 5.4.5 - gsmtp"],
	[
		"Gmail, full mailbox",
		"RCPT TO",
		"552-5.2.2 The email account that you tried to reach is over quota.\n552 5.2.2 - gsmtp",
	],
	[
		"Gmail, flood",
		"DATA",
		"550-5.7.28 Our system has detected an unusual rate of unsolicited mail.\n550 5.7.28 - gsmtp",
	],
	["Postfix, full mailbox", "RCPT TO", "552 5.2.2 <budi@shop.example>: Mailbox full"],
	[
		"postgrey",
		"RCPT TO",
		"450 4.2.0 <budi@shop.example>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/",
	],
	["a greylister with a final code", "RCPT TO", "550 5.7.1 Greylisted, please try again in 300 seconds"],
	["a greylister in other letters", "RCPT TO", "554 5.7.1 <budi@shop.example>: Grey-listed"],
	["an American greylister", "RCPT TO", "550 5.7.1 Graylisting in action"],
	["a greylister without a code", "RCPT TO", "550 You are greylisted"],
	["a code that contradicts itself", "RCPT TO", "550 4.7.1 Please wait"],
	["a rate limit", "RCPT TO", "550 5.7.1 Rate limit exceeded"],
	["too many mails", "RCPT TO", "554 5.7.0 Too many messages from this sender"],
	["a temporary policy", "DATA", "554 5.7.1 Message temporarily deferred"],
	["Exim, callout", "RCPT TO", "550 Sender verify failed"],
	[
		"Postfix, sender",
		"RCPT TO",
		"553 5.7.1 <toko@shop.example>: Sender address rejected: not owned by user toko",
	],
	[
		"Postfix, sender's domain",
		"RCPT TO",
		"550 5.1.8 <toko@shop.example>: Sender address rejected: Domain not found",
	],
	["a login that is missing", "RCPT TO", "530 5.7.0 Must issue a STARTTLS command first"],
	["a login that is missing, with another code", "RCPT TO", "550 5.7.1 Authentication required"],
	["a wrong password", "AUTH PLAIN", "535 5.7.8 Error: authentication failed"],
	["a sender who is blocked", "MAIL FROM", "554 5.7.1 Access denied"],
	["a host that is blocked", "CONN", "554 5.7.1 No SMTP service here"],
	["a server that is busy", "RCPT TO", "421 4.3.2 Service shutting down"],
	["an address of an IP, which is no code", "DATA", "554 Refused from 5.7.1.22"],
])("%s, at %s, is tried again: %s", (_, command, response) => {
	expect(isFinal(command, response)).toBe(false);
});

test("what is no answer of a server is tried again", () => {
	expect(isFinalRefusal(new Error("connect ECONNREFUSED") as never)).toBe(false);
});
