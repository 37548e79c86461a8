/** Words that names of generated products are made of. */
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
/** Their categories. */
export const CATEGORIES = ["minuman", "dapur", "hadiah", "kebun", "rumah", "kantor", "sekolah", "olahraga"];
