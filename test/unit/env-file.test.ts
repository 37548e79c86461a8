import { describe, expect, test } from "@jest/globals";
import { parseEnv } from "../../cli/env-file.mjs";

describe("a line of .env is read as shells and Docker Compose read it", () => {
	test.each<[string, string, string]>([
		["NAME=value", "NAME", "value"],
		["ADMIN_PASSWORD=abc#def", "ADMIN_PASSWORD", "abc#def"],
		["ADMIN_PASSWORD=#abc", "ADMIN_PASSWORD", "#abc"],
		["NAME=value # comment", "NAME", "value"],
		["NAME=value\t#comment", "NAME", "value"],
		["NAME=a#b #c", "NAME", "a#b"],
		["NAME= # comment", "NAME", ""],
		["NAME=", "NAME", ""],
		['NAME=""', "NAME", ""],
		["export NAME=value", "NAME", "value"],
		["  NAME = value with blanks  ", "NAME", "value with blanks"],
		["URL=postgres://toko:a=b@host/db?sslmode=disable", "URL", "postgres://toko:a=b@host/db?sslmode=disable"],
		["NAME='a #b \"c\" \\n $d'", "NAME", 'a #b "c" \\n $d'],
		['NAME="a #b \'c\' \\"d\\" \\\\ \\$e"', "NAME", "a #b 'c' \"d\" \\ $e"],
		['NAME="two\\nlines"', "NAME", "two\nlines"],
		['NAME="C:\\folder"', "NAME", "C:\\folder"],
		['NAME=`it\'s "so"`', "NAME", 'it\'s "so"'],
		["NAME='quoted' # comment", "NAME", "quoted"],
		["NAME=it's", "NAME", "it's"],
		["NAME=$HOME/\\x", "NAME", "$HOME/\\x"],
		["NAME='first\r\nsecond'", "NAME", "first\nsecond"],
	])("%j", (line, name, value) => {
		expect(parseEnv(line)).toEqual([[name, value]]);
	});
});

test("lines end with LF, CRLF or CR, and empty ones and comments are left out", () => {
	expect(parseEnv("# first\r\nA=1\r\n\r\n   # a=b\nB=2\rC=3")).toEqual([
		["A", "1"],
		["B", "2"],
		["C", "3"],
	]);
});

describe("a line that is none is refused by its number, without its text", () => {
	test.each<[string, RegExp]>([
		["A=1\ngeheim\n", /^, line 2: write NAME=value/],
		["A=1\r\n\r\nADMIN_PASSWORD: geheim", /^, line 3: write NAME=value/],
		["1A=geheim", /^, line 1: write/],
		["=geheim", /^, line 1: write/],
		["A B=geheim", /^, line 1: write/],
		["export A", /^, line 1: write/],
		["A='x'\nB=\"geheim\nC=1\nD=2", /^, line 2: the quote before the value of B is never closed/],
		["A='geheim'x", /^, line 1: there is text behind the closing quote of A/],
		["A='it's geheim'", /^, line 1: there is text behind/],
		["A='x\ny' geheim", /^, line 2: there is text behind/],
		["A=1\nB=2\nA=geheim", /^, line 3: A is set in an earlier line too/],
	])("%j", (text, expected) => {
		expect(() => parseEnv(text)).toThrow(expected);
		expect(() => parseEnv(text)).not.toThrow(/geheim/);
	});
});
