# Writes OUT, a C source with the bytes of FILE under NAME. See embed.cmake.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(SIZE ${FILE} len)
file(WRITE ${OUT}
  "#include \"embedded/${NAME}.h\"\nconst unsigned char ${NAME}_bytes[] = {${bytes}0};\nconst size_t ${NAME}_len = ${len};\n")
