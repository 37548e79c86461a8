/** Words for the names of generated products. */
export const WORDS = [
	"kopi",
	"teh",
	"gula",
	"susu",
	"madu",
	"beras",
	"garam",
	"cabai",
	"jahe",
	"pala",
	"kayu",
	"manis",
];
/** Categories of generated products. */
export const CATEGORIES = ["minuman", "dapur", "hadiah", "kebun", "rumah", "kantor", "sekolah", "olahraga"];
