# cmake -DPAGE=DIR -DOUTPUT=FILE.cpp -P EmbedPage.cmake: the files of DIR as page_assets() of apps/web/page_assets.hpp.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE files LIST_DIRECTORIES false RELATIVE "${PAGE}" "${PAGE}/*")
list(SORT files)
set(types
    "html=text/html\; charset=utf-8" "js=text/javascript\; charset=utf-8" "mjs=text/javascript\; charset=utf-8"
    "css=text/css\; charset=utf-8" "svg=image/svg+xml" "png=image/png" "ico=image/x-icon" "webp=image/webp"
    "woff2=font/woff2" "json=application/json" "webmanifest=application/manifest+json" "txt=text/plain\; charset=utf-8")
set(assembly "")
set(declarations "")
set(table "")
set(count 0)
foreach(file IN LISTS files)
    if(file MATCHES "\\.map$")
        continue()
    endif()
    get_filename_component(ending "${file}" LAST_EXT)
    string(REGEX REPLACE "^\\." "" ending "${ending}")
    set(type "application/octet-stream")
    foreach(known IN LISTS types)
        if(known MATCHES "^${ending}=(.*)$")
            set(type "${CMAKE_MATCH_1}")
        endif()
    endforeach()
    file(SHA256 "${PAGE}/${file}" sum)
    string(SUBSTRING "${sum}" 0 32 sum)
    set(name "salvage_page_${count}")
    string(APPEND assembly
        "asm(R\"(.pushsection .rodata\n.balign 16\n.global ${name}\n${name}:\n.incbin \"${PAGE}/${file}\"\n"
        ".global ${name}_end\n${name}_end:\n.byte 0\n.popsection\n)\");\n")
    string(APPEND declarations "extern \"C\" const char ${name}[];\nextern \"C\" const char ${name}_end[];\n")
    string(APPEND table
        "        {\"/${file}\", \"${type}\", \"\\\"${sum}\\\"\", {${name}, static_cast<std::size_t>(${name}_end - ${name})}},\n")
    math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}"
    "// Made by cmake/EmbedPage.cmake.\n#include \"web/page_assets.hpp\"\n\n#include <array>\n#include <cstddef>\n\n"
    "${assembly}\n${declarations}\nnamespace salvage::web {\n\nstd::span<const Asset> page_assets() noexcept\n{\n"
    "    static const std::array<Asset, ${count}> assets{{\n${table}    }};\n    return assets;\n}\n\n"
    "} // namespace salvage::web\n")
