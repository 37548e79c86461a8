import { expect, test } from "@jest/globals";
import { languageOf } from "../../contracts/languages.ts";

test.each([
	"id",
	"ID",
	"id-ID",
	"id_ID",
	"id_ID.UTF-8",
	"in",
	"in-ID",
	"IN_id",
	"in_ID_#Latn",
	"ind",
	"ind-ID",
	"id-Latn-ID",
	"id-ID-u-nu-latn",
	"id-x-private",
	" id ",
])("%j is Indonesian", (tag) => {
	expect(languageOf(tag)).toBe("id");
});

test.each(["en", "EN", "en-GB", "en_US", "en_US.UTF-8", "eng", "en-Latn-ID", "en-US-posix"])(
	"%j is English",
	(tag) => {
		expect(languageOf(tag)).toBe("en");
	},
);

test.each([
	"",
	"*",
	"fr",
	"ms-ID",
	"jv",
	"i",
	"x-id",
	"i-default",
	"ida",
	"id2",
	"indonesian",
	"und-ID",
	"-id",
	"é",
])("%j is neither", (tag) => {
	expect(languageOf(tag)).toBeUndefined();
});
