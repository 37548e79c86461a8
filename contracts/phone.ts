import { z } from "zod";

/** Separators between digits, and invisible characters of copied numbers. */
const BETWEEN = /[\p{Z}\p{Pd}\p{Default_Ignorable_Code_Point}\t.]+/gu;
/** An area code in brackets. One that begins with zero stays and is rejected: the zero is not dialled from abroad. */
const AREA = /\(([1-9]\d{0,4})\)/;
const FULL_WIDTH = /[\uff0b\uff08\uff09\uff10-\uff19]/g;
const INPUT_MAX = 100;

/** A phone number in E.164 form such as `+6281234567890`, for text messages; spaces, hyphens and dots are removed. */
export const phone = z
	.string()
	.overwrite((text) =>
		text.length > INPUT_MAX
			? text
			: text
					.replace(FULL_WIDTH, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
					.replace(BETWEEN, "")
					.replace(AREA, "$1"),
	)
	.refine((number) => !/^\(?0/.test(number), {
		message: "must begin with the country: +62812… in place of 0812…",
		abort: true,
	})
	.regex(/^\+[1-9]\d{6,14}$/, "must be a number with its country, such as +6281234567890");
