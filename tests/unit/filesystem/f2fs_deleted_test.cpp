// Deleted files of f2fs, against the kernel's own listing of what was there before it deleted them.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "f2fs_images.hpp"
#include "filesystem/f2fs/layout.hpp"

namespace salvage::test {
namespace {

using filesystem::Confidence;
using filesystem::DeletedFile;
using filesystem::EntryType;
using fuzz::SeedVolume;
namespace f2fs = filesystem::f2fs;

std::filesystem::path listing(const std::string& name)
{
    return sample("../unit/filesystem") / name;
}

std::vector<DeletedFile> deleted_of(const filesystem::FileSystem& fs)
{
    auto out = fs.deleted_files({});
    EXPECT_TRUE(is_ok(out));
    return out.has_value() ? std::move(*out) : std::vector<DeletedFile>{};
}

std::string path_of(const DeletedFile& file)
{
    const auto folder =
        file.folder == "/" ? "" : file.folder.substr(std::min<std::size_t>(1, file.folder.size())) + "/";
    return folder + file.entry.name;
}

std::vector<const DeletedFile*> at_path(const std::vector<DeletedFile>& files, std::string_view path)
{
    std::vector<const DeletedFile*> out;
    for (const auto& file : files) {
        if (path_of(file) == path) {
            out.push_back(&file);
        }
    }
    return out;
}

Bytes bytes_of(const DeletedFile& file)
{
    return io::read_all(*file.content, ByteCount{16U << 20U}).value();
}

std::string fields_of(const filesystem::Entry& entry, const std::string& target, const std::string& path)
{
    constexpr std::string_view letters{"fdlpscbU"};
    return fmt::format("{} {} {:o} {} {} {}.{:09}0 {} {}", letters[static_cast<std::size_t>(entry.type)],
                       entry.size.value, entry.mode, entry.uid, entry.gid, entry.modified.seconds,
                       entry.modified.nanoseconds, target, path);
}

TEST(F2fsDeleted, AreThoseThatTheKernelDeleted)
{
    const auto fs = open_f2fs(kernel_volume("small_deleted"));
    const auto files = deleted_of(*fs);
    std::multiset<std::string> found;
    for (const auto& file : files) {
        found.insert(fields_of(file.entry, file.target, path_of(file)));
        EXPECT_EQ(file.confidence, Confidence::high) << path_of(file) << ": " << file.proof;
    }
    const auto rows = rows_of(listing("f2fs_small_deleted.entries"));
    for (const auto& row : rows) {
        const auto expected = fmt::format("{} {} {} {} {} {} {} {}", row.at(0), row.at(1), row.at(2), row.at(3),
                                          row.at(4), row.at(5), row.at(8), row.at(9));
        EXPECT_EQ(found.count(expected), 1U) << expected;
    }
    EXPECT_EQ(files.size(), rows.size() + 1); // and the file that another was renamed over
}

TEST(F2fsDeleted, HaveTheContentThatTheKernelRead)
{
    const auto fs = open_f2fs(kernel_volume("small_deleted"));
    const auto files = deleted_of(*fs);
    const auto rows = rows_of(listing("f2fs_small_deleted.sums"));
    ASSERT_GE(rows.size(), 7U);
    for (const auto& row : rows) {
        const auto found = at_path(files, row.at(1));
        EXPECT_TRUE(std::ranges::any_of(found, [&](const auto* file) { return sha256(bytes_of(*file)) == row.at(0); }))
            << row.at(1);
    }
    const auto settings = at_path(files, "kept/settings.xml");
    ASSERT_EQ(settings.size(), 2U);
    EXPECT_EQ(as_text(bytes_of(*settings[0])), "1\n");
    EXPECT_EQ(as_text(bytes_of(*settings[1])), "2\n");
}

TEST(F2fsDeleted, AnOrphanIsWholeAndKnowsWhenItWasDeleted)
{
    const auto files = deleted_of(*open_f2fs(kernel_volume("small_deleted")));
    const auto found = at_path(files, "kept/open.jpg");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NE(found[0]->proof.find("deleted while it was open"), std::string::npos) << found[0]->proof;
    ASSERT_TRUE(found[0]->deleted_at.has_value());
    EXPECT_GT(*found[0]->deleted_at, found[0]->entry.modified);
    EXPECT_EQ(bytes_of(*found[0]), noise_of_guest(6000, 3));
}

TEST(F2fsDeleted, ContentOutlivesTheFileSystem)
{
    auto fs = open_f2fs(kernel_volume("small_deleted"));
    const auto files = deleted_of(*fs);
    fs.reset();
    EXPECT_EQ(bytes_of(*at_path(files, "album/1.jpg").at(0)), noise_of_guest(9000, 1));
}

TEST(F2fsDeleted, AFileWhoseNameAnotherTookAfterTheCheckpointIsWhole)
{
    const auto fs = open_f2fs(kernel_volume("small_dirty"));
    const auto files = deleted_of(*fs);
    const auto found = at_path(files, "replaced");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(as_text(bytes_of(*found[0])), "old\n");
    for (const auto& file : files) { // what lives is not deleted
        EXPECT_TRUE(file.entry.name == "replaced" || !filesystem::find_path(*fs, path_of(file)).has_value())
            << path_of(file);
    }
}

TEST(F2fsDeleted, OfSomeOnlyTheNameIsLeft)
{
    const auto fs = open_f2fs(kernel_volume("small_clean"));
    std::size_t names = 0;
    for (const auto& file : deleted_of(*fs)) {
        EXPECT_FALSE(filesystem::find_path(*fs, path_of(file)).has_value()) << path_of(file);
        EXPECT_NE(file.confidence, Confidence::high);
        EXPECT_EQ(file.content, nullptr);
        EXPECT_EQ(file.folder, "/many");
        EXPECT_EQ(file.entry.type, EntryType::symlink);
        ++names;
    }
    EXPECT_GE(names, 40U); // 84 links were deleted before their inodes were ever written
}

TEST(F2fsDeleted, StopsOnRequest)
{
    std::stop_source stop;
    stop.request_stop();
    const RunContext context{.stop = stop.get_token()};
    EXPECT_TRUE(fails_with(open_f2fs(kernel_volume("small_deleted"))->deleted_files(context), ErrorCode::cancelled));
}

/// A volume whose old inodes can be changed.
class F2fsChanged : public ::testing::Test {
protected:
    std::shared_ptr<SeedVolume> volume{kernel_volume("small_deleted")};

    /// The block that holds the inode with this name, the newest where there are several.
    [[nodiscard]] std::uint32_t inode_block(std::string_view name) const
    {
        std::uint32_t out = 0;
        for (const auto& [number, bytes] : volume->held()) {
            const ByteView block{bytes};
            const bool is_inode =
                load_le<std::uint32_t>(block.subspan(4072)) == load_le<std::uint32_t>(block.subspan(4076));
            const auto length = load_le<std::uint32_t>(block.subspan(88));
            if (is_inode && length == name.size() && as_text(block.subspan(92, length)) == name) {
                out = number;
            }
        }
        EXPECT_NE(out, 0U) << name;
        return out;
    }

    /// Spec: Linux, fs/f2fs/inode.c, f2fs_inode_chksum.
    void fix_checksum(std::uint32_t number)
    {
        const std::span block{volume->held().at(number)};
        store_le<std::uint32_t>(block.subspan(368), 0);
        const ByteView superblock{volume->held().at(0)};
        auto sum = f2fs::checksum(0xFFFFFFFFU, superblock.subspan(1024 + 108, 16));
        sum = f2fs::checksum(sum, block.subspan(4076, 4));
        sum = f2fs::checksum(sum, block.subspan(68, 4));
        sum = f2fs::checksum(sum, block);
        store_le<std::uint32_t>(block.subspan(368), sum);
    }

    static constexpr std::size_t addresses_at = 360 + 36; // behind the extra fields
};

TEST_F(F2fsChanged, ABlockThatALiveFileHasIsUnreadable)
{
    const auto gone = inode_block("1.jpg");
    const auto live = inode_block("stays.jpg");
    const auto taken = load_le<std::uint32_t>(ByteView{volume->held().at(live)}.subspan(addresses_at));
    store_le<std::uint32_t>(std::span{volume->held().at(gone)}.subspan(addresses_at + 4), taken);
    fix_checksum(gone);
    const auto files = deleted_of(*open_f2fs(volume));
    const auto found = at_path(files, "album/1.jpg");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0]->confidence, Confidence::medium);
    EXPECT_NE(found[0]->proof.find("of the 3 blocks of its content 1"), std::string::npos) << found[0]->proof;
    const auto extents = found[0]->content->extents(io::whole(*found[0]->content)).value();
    ASSERT_EQ(extents.size(), 3U);
    EXPECT_EQ(extents[1].kind, io::ExtentKind::unreadable);
    EXPECT_EQ(extents[1].range, ByteRange::between(ByteOffset{4096}, ByteOffset{8192}));
    const auto head = io::read_bytes(*found[0]->content, ByteOffset{0}, ByteCount{4096}).value();
    EXPECT_TRUE(std::ranges::equal(head, ByteView{noise_of_guest(9000, 1)}.first(4096)));
}

TEST_F(F2fsChanged, ABlockThatAnotherDeletedFileHadSinceIsUnreadable)
{
    const auto gone = inode_block("1.jpg");
    const auto other = inode_block("2.jpg");
    const auto theirs = load_le<std::uint32_t>(ByteView{volume->held().at(other)}.subspan(addresses_at));
    store_le<std::uint32_t>(std::span{volume->held().at(gone)}.subspan(addresses_at), theirs);
    fix_checksum(gone);
    const auto files = deleted_of(*open_f2fs(volume));
    EXPECT_EQ(at_path(files, "album/1.jpg").at(0)->confidence, Confidence::medium);
    EXPECT_EQ(at_path(files, "album/inner/2.jpg").at(0)->confidence, Confidence::high);
}

TEST_F(F2fsChanged, EachLifeOfAnInodeIsShown)
{
    const auto note = inode_block("note.txt");
    auto earlier = volume->held().at(note);
    const std::span block{earlier};
    store_le<std::uint32_t>(block.subspan(68), 77); // generation
    store_le<std::uint64_t>(block.subspan(4084), load_le<std::uint64_t>(ByteView{earlier}.subspan(4084)) - 1);
    block[92] = std::byte{'v'};
    const std::uint32_t free_block = note + 200; // of the same segment, never written
    ASSERT_FALSE(volume->held().contains(free_block));
    volume->held()[free_block] = earlier;
    fix_checksum(free_block);
    const auto files = deleted_of(*open_f2fs(volume));
    const auto before = at_path(files, "kept/vote.txt");
    ASSERT_EQ(before.size(), 1U);
    EXPECT_EQ(before[0]->entry.inode, at_path(files, "kept/note.txt").at(0)->entry.inode);
}

TEST_F(F2fsChanged, AnOlderVersionOfALiveFileIsNoDeletion)
{
    const auto live = inode_block("stays.jpg");
    const auto copy = live + 200;
    ASSERT_FALSE(volume->held().contains(copy));
    volume->held()[copy] = volume->held().at(live);
    volume->held()[copy][92] = std::byte{'p'}; // under another name
    fix_checksum(copy);
    for (const auto& file : deleted_of(*open_f2fs(volume))) {
        EXPECT_NE(file.entry.name, "ptays.jpg");
    }
}

/// Whatever is damaged: what is called certain is right.
TEST_F(F2fsChanged, DamageNeverMakesAWrongByteCertain)
{
    const auto fs = open_f2fs(volume);
    std::map<std::string, std::set<Bytes>> right;
    std::set<std::uint32_t> contents;
    for (const auto& file : deleted_of(*fs)) {
        if (file.content == nullptr) {
            continue;
        }
        right[path_of(file)].insert(bytes_of(file));
        for (std::uint64_t at = 0; at < file.content->size().value; at += SeedVolume::block_bytes) {
            const auto place = file.content->locate(ByteOffset{at}).chain.front();
            contents.insert(static_cast<std::uint32_t>(place.at.value / SeedVolume::block_bytes));
        }
    }
    std::vector<std::uint32_t> blocks;
    for (const auto& [number, bytes] : volume->held()) {
        blocks.push_back(number);
    }
    std::size_t certain = 0;
    const auto look = [&] {
        const auto damaged = filesystem::open(volume);
        if (!damaged.has_value()) {
            return;
        }
        for (const auto& file : deleted_of(**damaged)) {
            const auto known = right.find(path_of(file));
            if (file.confidence != Confidence::high || file.content == nullptr || known == right.end()) {
                continue;
            }
            const auto bytes = io::read_all(*file.content, ByteCount{16U << 20U});
            EXPECT_TRUE(!bytes.has_value() || known->second.contains(*bytes)) << path_of(file) << ": " << file.proof;
            ++certain;
        }
    };
    for (const auto block : blocks) {
        SCOPED_TRACE(fmt::format("block {}", block));
        volume->lose(block);
        look();
        volume->mend();
        if (contents.contains(block)) {
            continue; // a change there cannot be seen
        }
        const auto kept = volume->held().at(block);
        for (const auto& bytes : {Bytes(SeedVolume::block_bytes), noise(SeedVolume::block_bytes, block)}) {
            volume->held()[block] = bytes;
            look();
        }
        volume->held()[block] = kept;
    }
    EXPECT_GT(certain, blocks.size() * 10);
}

class F2fsUnused : public ::testing::TestWithParam<const char*> {};

TEST_P(F2fsUnused, IsAllThatTheCheckpointDoesNotCount)
{
    const auto volume = kernel_volume(GetParam());
    const auto fs = open_f2fs(volume);
    const auto areas = fs->unused_areas().value();
    std::uint64_t unused = 0;
    ByteOffset last;
    for (const auto& area : areas) {
        EXPECT_GT(area.start(), last); // ascending, neighbours joined
        last = area.end();
        unused += area.size().value / SeedVolume::block_bytes;
    }
    const auto superblock = ByteView{volume->held().at(0)}.subspan(1024);
    const auto packs = load_le<std::uint32_t>(superblock.subspan(76));
    std::uint64_t version = 0;
    std::uint64_t valid = 0;
    for (const auto head : {packs, packs + 512}) {
        const auto block = io::read_bytes(*volume, ByteOffset{std::uint64_t{head} * 4096}, ByteCount{4096}).value();
        if (load_le<std::uint64_t>(block) > version) {
            version = load_le<std::uint64_t>(block);
            valid = load_le<std::uint64_t>(ByteView{block}.subspan(16)); // valid_block_count
        }
    }
    const auto total = std::uint64_t{load_le<std::uint32_t>(superblock.subspan(68))} * 512;
    if (std::string_view{GetParam()} == "small_clean") {
        EXPECT_GE(unused + valid, total); // it also counts blocks that compressed files hold in reserve
    } else {
        EXPECT_EQ(unused + valid, total);
    }
    for (const auto& [path, entry] : walk_all(*fs)) {
        if (entry.type != EntryType::file) {
            continue;
        }
        const auto content = fs->open(entry.inode).value();
        for (std::uint64_t at = 0; at < std::min<std::uint64_t>(content->size().value, 1U << 20U); at += 4096) {
            const auto place = content->locate(ByteOffset{at}).chain.front().at;
            EXPECT_TRUE(std::ranges::none_of(areas, [&](const ByteRange& area) {
                return content->locate(ByteOffset{at}).chain.size() > 1 && area.contains(place);
            })) << path;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Volumes, F2fsUnused, ::testing::Values("small_clean", "small_deleted"));

TEST(F2fsUnusedDirty, LeavesOutWhatWasSyncedLater)
{
    const auto fs = open_f2fs(kernel_volume("small_dirty"));
    const auto areas = fs->unused_areas().value();
    const auto entry = filesystem::find_path(*fs, "overwritten").value();
    const auto content = fs->open(entry.inode).value();
    const auto place = content->locate(ByteOffset{5 * 4096}).chain.front().at;
    EXPECT_TRUE(std::ranges::none_of(areas, [&](const ByteRange& area) { return area.contains(place); }));
}

} // namespace
} // namespace salvage::test
