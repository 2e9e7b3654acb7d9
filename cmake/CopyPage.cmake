# cmake -DSOURCE=DIR -DBUILD=DIR -DLIST=FILE -P CopyPage.cmake: the files that LIST names, as they are in SOURCE.  Of an
# earlier copy, what is not named any more goes; npm's packages and what was built stay.
cmake_minimum_required(VERSION 3.25)
file(STRINGS "${LIST}" files ENCODING UTF-8)
file(GLOB there RELATIVE "${BUILD}" LIST_DIRECTORIES true "${BUILD}/*")
list(REMOVE_ITEM there node_modules dist packages.stamp page.stamp)
foreach(name IN LISTS there)
    file(REMOVE_RECURSE "${BUILD}/${name}")
endforeach()
foreach(file IN LISTS files)
    get_filename_component(folder "${BUILD}/${file}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    file(COPY_FILE "${SOURCE}/${file}" "${BUILD}/${file}")
endforeach()
