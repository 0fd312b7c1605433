# footfall_embed(TARGET NAME FILE): compiles FILE's bytes into TARGET as
#   extern const unsigned char NAME_bytes[]; extern const size_t NAME_len;
# declared in "embedded/NAME.h". FILE may be made by another rule of the build.
function(footfall_embed target name file)
  set(source ${PROJECT_BINARY_DIR}/embedded/${name}.c)
  set(header ${PROJECT_BINARY_DIR}/embedded/${name}.h)
  file(WRITE ${header}
    "#pragma once\n#include <stddef.h>\nextern const unsigned char ${name}_bytes[];\nextern const size_t ${name}_len;\n")
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DFILE=${file} -DOUT=${source}
            -P ${PROJECT_SOURCE_DIR}/tools/embed_file.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/tools/embed_file.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
