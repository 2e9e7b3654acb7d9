// mkfs.f2fs and sload.f2fs fill a volume from a folder whose files have their modes, owners and times already.
#include "sample_phone_f2fs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sample_phone_crypto.hpp"
#include "sample_phone_tools.hpp"

namespace salvage::rescue::sample {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view package{"f2fs-tools"};
constexpr std::uint64_t segment_bytes = 2U << 20U;

/// sload.f2fs passes fifos over and has no extended attributes.
Result<> drop_what_is_not_kept(Tree& tree)
{
    for (const auto& entry : tree.entries()) {
        std::error_code failure;
        if (entry.type == ExpectedFile::Type::fifo && !fs::remove(tree.staged(entry.path), failure)) {
            return from_errno(failure.value(), "cannot remove a fifo of the sample phone", entry.path);
        }
    }
    std::erase_if(tree.entries(), [](const ExpectedFile& entry) { return entry.type == ExpectedFile::Type::fifo; });
    for (auto& entry : tree.entries()) {
        entry.xattrs.clear();
    }
    return {};
}

Result<> give_attributes(const fs::path& path, ExpectedFile& entry)
{
    const auto failed = [&] {
        return from_errno(errno, "cannot give a file of the sample phone its attributes", path.string());
    };
    const bool may_give_away = ::geteuid() == 0;
    if (may_give_away && ::lchown(path.c_str(), entry.uid, entry.gid) != 0) {
        return failed();
    }
    const bool is_link = entry.type == ExpectedFile::Type::symlink;
    if (!is_link && ::chmod(path.c_str(), static_cast<mode_t>(entry.mode)) != 0) {
        return failed();
    }
    const timespec time{.tv_sec = entry.mtime, .tv_nsec = 0};
    const std::array times{time, time};
    if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        return failed();
    }
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) {
        return failed();
    }
    entry.uid = facts.st_uid;
    entry.gid = facts.st_gid;
    entry.mtime = facts.st_mtim.tv_sec; // filesystems differ in the years they know
    return {};
}

std::string uuid_of(Random& random)
{
    const auto hex = to_hex(random.bytes(16));
    return fmt::format("{}-{}-4{}-a{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                       hex.substr(20, 12));
}

} // namespace

Result<> make_f2fs_volume(Tree& tree, const fs::path& image, const VolumeOptions& options)
{
    SALVAGE_TRY(drop_what_is_not_kept(tree));
    for (auto& entry : tree.entries()) {
        SALVAGE_TRY(give_attributes(tree.staged(entry.path), entry));
    }
    {
        const auto made = SALVAGE_TRY(ImageFile::create(image, options.size));
    }
    auto random = SALVAGE_TRY(Random::make(options.seed, "f2fs uuid"));
    std::vector<std::string> command{"mkfs.f2fs", "-q", "-f", "-r", "-T", "1500000000", "-U", uuid_of(random)};
    std::string features{options.has_checksums ? "extra_attr,inode_checksum,sb_checksum" : ""};
    if (options.has_encrypt_feature) {
        features += features.empty() ? "encrypt" : ",encrypt";
    }
    if (!features.empty()) {
        command.insert(command.end(), {"-O", features});
    }
    command.push_back(image.string());
    SALVAGE_TRY(run_tool_or_fail(command, package));
    SALVAGE_TRY(run_tool_or_fail({"sload.f2fs", "-P", "-f", tree.root().string(), "-t", "/", image.string()}, package));
    return {};
}

Result<std::vector<ByteRange>> used_f2fs_ranges(const fs::path& image, ByteCount size)
{
    constexpr std::uint64_t main_at = 1024 + 92; // main_blkaddr of the superblock
    const auto file = SALVAGE_TRY(ImageFile::open(image));
    std::array<std::byte, 4> number{};
    SALVAGE_TRY(file.read_at(ByteOffset{main_at}, number));
    const auto tables_end = std::uint64_t{load_le<std::uint32_t>(number)} * volume_block_bytes;
    auto end = tables_end;
    Bytes segment;
    for (auto at = tables_end; at < size.value; at += segment.size()) {
        segment.resize(static_cast<std::size_t>(std::min(segment_bytes, size.value - at)));
        SALVAGE_TRY(file.read_at(ByteOffset{at}, segment));
        end = is_all_zero(segment) ? end : at + segment.size();
    }
    return std::vector{ByteRange::first(ByteCount{end})};
}

Result<std::vector<ByteOffset>> f2fs_blocks_of(const fs::path& image, const fs::path& staged)
{
    const auto file = SALVAGE_TRY(ImageFile::open(image));
    const auto content = SALVAGE_TRY(read_whole_file(staged));
    const auto size = SALVAGE_TRY(file.size());
    const auto compared = std::min<std::size_t>(content.size(), 2 * volume_block_bytes);
    Bytes there(compared);
    for (std::uint64_t at = 0; compared >= volume_block_bytes && at + compared <= size.value;
         at += volume_block_bytes) {
        SALVAGE_TRY(file.read_at(ByteOffset{at}, there));
        if (std::ranges::equal(there, ByteView{content}.first(compared))) {
            return std::vector{ByteOffset{at}};
        }
    }
    return invalid_argument("the sample phone has no such file with data", staged.string());
}

} // namespace salvage::rescue::sample
