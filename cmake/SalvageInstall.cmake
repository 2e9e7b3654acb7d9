# Install the program, the libraries and a package file that find_package(salvage) reads.
include(CMakePackageConfigHelpers)

get_property(boxes GLOBAL PROPERTY SALVAGE_BOXES)
install(TARGETS ${boxes} salvage_build salvage_warnings EXPORT salvage FILE_SET HEADERS)
install(TARGETS salvage RUNTIME)
install(EXPORT salvage NAMESPACE salvage:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/salvage FILE salvage-targets.cmake)
configure_package_config_file(cmake/salvage-config.cmake.in "${PROJECT_BINARY_DIR}/salvage-config.cmake"
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/salvage)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/salvage-config-version.cmake" COMPATIBILITY SameMajorVersion)
install(FILES "${PROJECT_BINARY_DIR}/salvage-config.cmake" "${PROJECT_BINARY_DIR}/salvage-config-version.cmake"
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/salvage)
