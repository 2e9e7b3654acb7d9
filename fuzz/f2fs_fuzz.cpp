// f2fs: small volumes that a kernel wrote, with changes laid over them whose checksums are made right again.  Whatever
// opens is walked, also what was deleted; what is read twice is the same, and extents tell what can be read.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "f2fs_patched.hpp"
#include "walk_filesystem.hpp"

using namespace salvage;

namespace {

/// The volumes, and the numbers of the blocks that each holds.
struct Base {
    std::shared_ptr<const fuzz::SeedVolume> volume;
    std::vector<std::uint32_t> blocks;
};

Base load(const std::string& name)
{
    std::ifstream file{std::string{SALVAGE_F2FS_BASES} + "/" + name, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    fuzz::require(!bytes.empty());
    Base out{.volume = std::make_shared<const fuzz::SeedVolume>(as_bytes(bytes)), .blocks = {}};
    for (const auto& [number, block] : out.volume->held()) {
        out.blocks.push_back(number);
    }
    return out;
}

const Base& base_of(std::size_t which)
{
    static const std::array bases{load("small_deleted"), load("small_dirty"), load("small_clean")};
    // Most of the time on the small ones: they are read ten times as fast.
    return bases[which % 32 == 31 ? 2 : which % 2];
}

void read_deleted(const filesystem::FileSystem& fs)
{
    const auto files = fs.deleted_files({});
    fuzz::require(fuzz::is_well_formed(files));
    std::size_t read = 0;
    for (const auto& file : files.has_value() ? *files : std::vector<filesystem::DeletedFile>{}) {
        fuzz::require(!file.proof.empty());
        fuzz::require(file.entry.name.find('/') == std::string::npos &&
                      file.entry.name.find('\0') == std::string::npos);
        fuzz::require(file.folder.empty() || file.folder.front() == '/');
        if (file.content != nullptr && ++read <= 16) {
            fuzz::require(file.content->size() == file.entry.size);
            fuzz::read_head(*file.content);
        }
    }
}

void read_unused(const filesystem::FileSystem& fs)
{
    const auto areas = fs.unused_areas();
    fuzz::require(fuzz::is_well_formed(areas));
    ByteOffset last;
    for (const auto& area : areas.has_value() ? *areas : std::vector<ByteRange>{}) {
        fuzz::require(area.start() > last && area.size().value > 0);
        last = area.end();
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) {
        return 0;
    }
    const auto& base = base_of(data[0]);
    const auto volume = std::make_shared<fuzz::PatchedVolume>(base.volume);
    volume->apply(std::as_bytes(std::span{data, size}).subspan(1), base.blocks);
    const auto opened = filesystem::open(volume);
    fuzz::walk_opened(opened);
    if (opened.has_value()) {
        read_deleted(**opened);
        read_unused(**opened);
    }
    return 0;
}
