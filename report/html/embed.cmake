# Writes OUT, a C file with DIR/page.css and DIR/page.js as html_assets.h declares them, each with
# its SHA-256 in base64: what a Content-Security-Policy names it by.
set(ALPHABET ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/)

# 256 bits are 43 digits of base64, the last with two bits of zeros, and one "=".
function(to_base64 hex out)
	set(text "")
	foreach(i RANGE 0 63 3)
		string(SUBSTRING "${hex}00" ${i} 3 digits)
		math(EXPR high "0x${digits} >> 6")
		math(EXPR low "0x${digits} & 63")
		string(SUBSTRING ${ALPHABET} ${high} 1 a)
		string(SUBSTRING ${ALPHABET} ${low} 1 b)
		string(APPEND text "${a}${b}")
	endforeach()
	string(SUBSTRING "${text}" 0 43 text)
	set(${out} "${text}=" PARENT_SCOPE)
endfunction()

set(source "/* Made by embed.cmake. */\n#include \"html_assets.h\"\n")
foreach(kind css js)
	# As one line: smaller, and the validator vnu hashes only that as browsers do. So page.js has no
	# comment that ends with its line, and a semicolon after each statement.
	file(READ ${DIR}/page.${kind} text)
	string(REGEX REPLACE "[ \t\n]+" " " text "${text}")
	string(STRIP "${text}" text)
	string(SHA256 digest "${text}")
	to_base64(${digest} base64)
	string(HEX "${text}" bytes)
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
	string(REGEX REPLACE "(................................................................................)"
		"\\1\n" bytes "${bytes}")
	string(APPEND source "\nconst struct html_asset html_${kind} = {\n"
		"\t.text = (const char[]){${bytes}0},\n\t.sha256 = \"${base64}\",\n};\n")
endforeach()
file(WRITE ${OUT} "${source}")
