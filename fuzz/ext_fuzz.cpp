// ext2, ext3, ext4: whatever opens is walked; what is read twice is the same, and extents tell what can be read.
#include <cstdint>

#include "salvage/io/sources.hpp"
#include "walk_filesystem.hpp"

using namespace salvage;

namespace {

void look_for_deleted(const filesystem::FileSystem& fs)
{
    const auto files = fs.deleted_files({});
    fuzz::require(fuzz::is_well_formed(files));
    std::size_t read = 0;
    for (const auto& file : files.has_value() ? *files : std::vector<filesystem::DeletedFile>{}) {
        fuzz::require(!file.proof.empty() && file.entry.name.find('/') == std::string::npos);
        fuzz::require(file.folder.empty() || file.folder.front() == '/');
        if (file.content && ++read < 64) {
            fuzz::read_head(*file.content);
        }
    }
}

void look_at_unused(const filesystem::FileSystem& fs)
{
    const auto areas = fs.unused_areas();
    fuzz::require(fuzz::is_well_formed(areas));
    ByteOffset end;
    for (const auto& area : areas.has_value() ? *areas : std::vector<ByteRange>{}) {
        fuzz::require(area.start() > end || end.value == 0);
        fuzz::require(area.end() > area.start());
        end = area.end();
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const auto bytes = std::as_bytes(std::span{data, size});
    const auto opened = filesystem::open(io::make_memory(Bytes{bytes.begin(), bytes.end()}, "fuzz.img"));
    fuzz::walk_opened(opened);
    if (opened.has_value()) {
        look_for_deleted(**opened);
        look_at_unused(**opened);
    }
    return 0;
}
