# footfall_embed(TARGET NAME FILE...): compiles the FILEs' bytes, one after the other, into TARGET as
#   extern const unsigned char NAME_bytes[]; extern const size_t NAME_len;
# declared in "embedded/NAME.h". A FILE may be made by another rule of the build.
function(footfall_embed target name)
  set(source ${PROJECT_BINARY_DIR}/embedded/${name}.c)
  set(header ${PROJECT_BINARY_DIR}/embedded/${name}.h)
  file(WRITE ${header}
    "#pragma once\n#include <stddef.h>\nextern const unsigned char ${name}_bytes[];\nextern const size_t ${name}_len;\n")
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} "-DFILES=${ARGN}" -DOUT=${source}
            -P ${PROJECT_SOURCE_DIR}/tools/embed_file.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/tools/embed_file.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
endfunction()
