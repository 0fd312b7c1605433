# The npm packages that the build reads, in node_modules, as package-lock.json wants them. Done while
# configuring, and again when the lock changes, so that no rule of the build runs beside it.
include_guard(GLOBAL)
find_program(FOOTFALL_NODE node REQUIRED)
find_program(FOOTFALL_NPM npm REQUIRED)
set(npm_lock ${PROJECT_SOURCE_DIR}/package-lock.json)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${npm_lock})
if(${npm_lock} IS_NEWER_THAN ${PROJECT_SOURCE_DIR}/node_modules/.package-lock.json)
  message(STATUS "Installing the npm packages")
  execute_process(
    COMMAND ${FOOTFALL_NPM} ci --no-audit --no-fund --loglevel=error
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    RESULT_VARIABLE npm_result)
  if(NOT npm_result EQUAL 0)
    message(FATAL_ERROR "The npm packages cannot be installed: `npm ci` in ${PROJECT_SOURCE_DIR} failed. Is the network there?")
  endif()
endif()
