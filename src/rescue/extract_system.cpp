// What the system's own partition says of the phone: build.prop.
#include <array>
#include <utility>

#include "salvage/io/sources.hpp"
#include "salvage/rescue/extract.hpp"

namespace salvage::rescue {
namespace {

constexpr ByteCount max_properties{1U << 20U};

io::SourcePtr file_of(const Dump& dump, const char* partition, const char* path)
{
    const auto source = open_partition(dump, partition);
    const auto files = source.has_value() ? filesystem::open(*source)
                                          : Result<std::unique_ptr<const filesystem::FileSystem>>{source.error()};
    if (!files.has_value()) {
        return nullptr;
    }
    const auto entry = filesystem::find_path(**files, path);
    const auto file = entry.has_value() && entry->type == filesystem::EntryType::file
                          ? (*files)->open(entry->inode)
                          : Result<io::SourcePtr>{not_found("no such file")};
    auto bytes = file.has_value() ? io::read_all(**file, max_properties) : Result<Bytes>{file.error()};
    // In memory: the filesystem goes away with this function.
    return bytes.has_value() ? io::make_memory(*std::move(bytes), path) : nullptr;
}

} // namespace

io::SourcePtr system_properties_of(const Dump& dump)
{
    constexpr std::array places{std::pair{"system", "/build.prop"}, std::pair{"system", "/system/build.prop"},
                                std::pair{"system_a", "/system/build.prop"}, std::pair{"SYSTEM", "/build.prop"},
                                std::pair{"ANDROID", "/build.prop"}};
    for (const auto& [partition, path] : places) {
        if (auto found = file_of(dump, partition, path)) {
            return found;
        }
    }
    return nullptr;
}

} // namespace salvage::rescue
