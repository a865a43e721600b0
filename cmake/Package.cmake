# The CMake package of the installation: find_package(tempera) gives tempera::core … tempera::cli.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tempera)

install(EXPORT tempera-targets NAMESPACE tempera:: DESTINATION ${package_dir})
configure_package_config_file(cmake/temperaConfig.cmake.in ${PROJECT_BINARY_DIR}/temperaConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/temperaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/temperaConfig.cmake ${PROJECT_BINARY_DIR}/temperaConfigVersion.cmake
              cmake/Findcpuinfo.cmake DESTINATION ${package_dir})
