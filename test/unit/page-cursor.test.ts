import { expect, test } from "@jest/globals";
import { cursorAt, momentKey, readMoment } from "../../database/page-cursor.ts";

const id = "0d6c7a0b-93a5-4a0f-8f7e-0c9b6f4a1d22";

test.each([
	["a Date", new Date("2026-11-23T08:00:00.123Z"), "2026-11-23T08:00:00.123+00:00"],
	["text in UTC", "2026-11-23T08:00:00.123Z", "2026-11-23T08:00:00.123+00:00"],
	["text as PostgreSQL writes it", "2026-11-23T15:00:00.123456+07:00", "2026-11-23T15:00:00.123456+07:00"],
])("the next page reads the cursor of a row whose time is %s", (_, created_at, moment) => {
	expect(readMoment("wishes", cursorAt("wishes", momentKey({ created_at, id })))).toEqual([moment, id]);
});
