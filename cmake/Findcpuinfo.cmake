# Finds the cpuinfo library as cpuinfo::cpuinfo. Debian's libcpuinfo-dev carries a CMake package that names files it
# does not install and stops the configuration (bookworm), so header and library are looked up here; only under vcpkg,
# where the static library has dependencies of its own, its package is read.
include(FindPackageHandleStandardArgs)
if(VCPKG_TARGET_TRIPLET)
  find_package(cpuinfo CONFIG QUIET)
endif()
if(TARGET cpuinfo::cpuinfo)
  find_package_handle_standard_args(cpuinfo CONFIG_MODE)
  return()
endif()

find_path(CPUINFO_INCLUDE_DIR cpuinfo.h)
find_library(CPUINFO_LIBRARY cpuinfo)
mark_as_advanced(CPUINFO_INCLUDE_DIR CPUINFO_LIBRARY)
find_package_handle_standard_args(cpuinfo REQUIRED_VARS CPUINFO_LIBRARY CPUINFO_INCLUDE_DIR)
if(cpuinfo_FOUND)
  add_library(cpuinfo::cpuinfo UNKNOWN IMPORTED)
  set_target_properties(cpuinfo::cpuinfo PROPERTIES IMPORTED_LOCATION ${CPUINFO_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${CPUINFO_INCLUDE_DIR})
endif()
