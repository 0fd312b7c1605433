# Writes OUT, a C source with the bytes of FILES, one after the other, under NAME. See embed.cmake.
set(hex "")
set(len 0)
foreach(file ${FILES})
  file(READ ${file} more HEX)
  file(SIZE ${file} bytes)
  string(APPEND hex "${more}")
  math(EXPR len "${len} + ${bytes}")
endforeach()
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT}
  "#include \"embedded/${NAME}.h\"\nconst unsigned char ${NAME}_bytes[] = {${bytes}0};\nconst size_t ${NAME}_len = ${len};\n")
