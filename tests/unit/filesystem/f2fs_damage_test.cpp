// Every block of a small volume damaged in turn: what can be had is right, the rest is named, nothing crashes.
#include <set>

#include <fmt/format.h>

#include "f2fs_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;
using fuzz::SeedVolume;

constexpr std::uint64_t block_bytes = SeedVolume::block_bytes;
constexpr std::uint64_t whole_below = 1U << 20U;

struct Known {
    Entry entry;
    Bytes content; ///< of small files
    std::string target;
    filesystem::ExtendedAttributes attributes;
};

/// A volume as it was before it was damaged.
struct Original {
    std::map<std::string, Known> entries;
    std::set<std::uint32_t> plain_data; ///< blocks that hold content as it is: what is changed there nobody can see

    explicit Original(const filesystem::FileSystem& fs)
    {
        for (auto& [path, entry] : walk_all(fs)) {
            Known known{.entry = entry, .content = {}, .target = {}, .attributes = {}};
            known.attributes = fs.extended_attributes(entry.inode).value();
            if (entry.type == EntryType::symlink) {
                known.target = fs.read_link(entry.inode).value();
            }
            if (entry.type == EntryType::file) {
                const auto source = fs.open(entry.inode).value();
                note_data(*source);
                if (entry.size.value < whole_below) {
                    known.content = content_of(fs, entry.inode);
                }
            }
            entries.emplace(path, std::move(known));
        }
    }

private:
    /// Of a compressed part all bytes are said to lie in its first block; of a plain one each in its own.
    void note_data(const io::ByteSource& source)
    {
        const auto block_of = [&](ByteOffset at) {
            return static_cast<std::uint32_t>(source.locate(at).chain.front().at.value / block_bytes);
        };
        const auto extents = source.extents(io::whole(source)).value();
        for (const auto& extent : extents) {
            if (extent.kind != io::ExtentKind::data) {
                continue;
            }
            for (auto at = extent.range.start(); at < extent.range.end(); at = at + ByteCount{block_bytes}) {
                const auto next = at + ByteCount{block_bytes};
                const bool is_like_last =
                    at > extent.range.start() && block_of(at - ByteCount{block_bytes}) == block_of(at);
                const bool is_like_next = next < extent.range.end() && block_of(next) == block_of(at);
                if (!is_like_last && !is_like_next) {
                    plain_data.insert(block_of(at));
                }
            }
        }
    }
};

/// Walks a damaged volume beside the original.
class Comparison {
public:
    Comparison(const filesystem::FileSystem& fs, const Original& original, bool is_one_bit)
        : fs_{fs}, original_{original}, is_one_bit_{is_one_bit}
    {
        // An older checkpoint shows the volume as it was earlier, and says so.
        is_older_ = has_finding(fs, "f2fs-checkpoint-damaged");
    }

    void run()
    {
        folder(fs_.root().inode, "");
        std::vector<std::string> missing;
        for (const auto& [path, known] : original_.entries) {
            if (!seen_.contains(path) && !is_excused(path)) {
                missing.push_back(path);
            }
        }
        // One bit of a directory's bitmap less is a name that was deleted: nobody can tell.
        if (missing.size() > (is_one_bit_ ? 1U : 0U)) {
            ADD_FAILURE() << missing.size() << " are missing, and nobody says why: " << missing[0];
        }
    }
    [[nodiscard]] std::size_t right() const { return right_; }

private:
    void folder(std::uint64_t inode, const std::string& path)
    {
        if (!folders_.insert(inode).second) {
            return;
        }
        std::vector<Entry> so_far;
        const auto listed = fs_.list(inode, &so_far);
        if (!listed.has_value()) {
            EXPECT_FALSE(listed.error().what.empty());
            damaged_folders_.insert(path);
        }
        for (const auto& entry : listed.has_value() ? *listed : so_far) {
            const auto name = path.empty() ? entry.name : path + "/" + entry.name;
            seen_.insert(name);
            one(name, entry);
            if (entry.type == EntryType::directory) {
                folder(entry.inode, name);
            }
        }
    }

    void one(const std::string& path, const Entry& entry)
    {
        const auto found = original_.entries.find(path);
        if (found == original_.entries.end()) {
            EXPECT_TRUE(is_older_) << path << " was never there";
            return;
        }
        const auto& known = found->second;
        if (is_older_) {
            return;
        }
        EXPECT_EQ(entry.type, known.entry.type) << path;
        const auto status = fs_.stat(entry.inode);
        EXPECT_TRUE(entry.inode == known.entry.inode || !status.has_value()) << path << " leads to another file";
        if (!status.has_value()) {
            EXPECT_FALSE(status.error().what.empty());
            return;
        }
        EXPECT_EQ(entry.size, known.entry.size) << path;
        EXPECT_EQ(entry.mode, known.entry.mode) << path;
        EXPECT_EQ(entry.modified, known.entry.modified) << path;
        if (entry.type == EntryType::symlink) {
            const auto target = fs_.read_link(entry.inode);
            EXPECT_TRUE(!target.has_value() || *target == known.target) << path;
        }
        const auto attributes = fs_.extended_attributes(entry.inode);
        // The node of attributes has no checksum.
        EXPECT_TRUE(is_one_bit_ || !attributes.has_value() || *attributes == known.attributes) << path;
        if (entry.type == EntryType::file) {
            content(path, entry, known);
        }
    }

    void content(const std::string& path, const Entry& entry, const Known& known)
    {
        const auto source = fs_.open(entry.inode);
        if (!source.has_value()) {
            EXPECT_FALSE(source.error().what.empty());
            return;
        }
        if (known.entry.size.value >= whole_below) {
            return;
        }
        const auto extents = (*source)->extents(io::whole(**source));
        ASSERT_TRUE(is_ok(extents)) << path;
        for (const auto& extent : *extents) {
            const auto bytes = io::read_bytes(**source, extent.range.start(), extent.range.size());
            ASSERT_EQ(bytes.has_value(), extent.kind != io::ExtentKind::unreadable) << path;
            if (!bytes.has_value()) {
                EXPECT_EQ(bytes.error().code, ErrorCode::unreadable);
                EXPECT_FALSE(bytes.error().why.empty());
                continue;
            }
            const auto expected =
                ByteView{known.content}.subspan(extent.range.start().value, extent.range.size().value);
            EXPECT_TRUE(std::ranges::equal(*bytes, expected)) << path << " at " << extent.range.start().value;
            ++right_;
        }
    }

    [[nodiscard]] bool is_excused(const std::string& path) const
    {
        if (is_older_) {
            return true;
        }
        for (auto at = path.rfind('/');; at = path.rfind('/', at - 1)) {
            const auto parent = at == std::string::npos ? std::string{} : path.substr(0, at);
            if (damaged_folders_.contains(parent)) {
                return true;
            }
            if (at == std::string::npos || at == 0) {
                return false;
            }
        }
    }

    const filesystem::FileSystem& fs_;
    const Original& original_;
    bool is_one_bit_;
    bool is_older_{false};
    std::set<std::uint64_t> folders_;
    std::set<std::string> seen_;
    std::set<std::string> damaged_folders_;
    std::size_t right_{0};
};

enum class Damage : std::uint8_t { unreadable, zeros, noise, flips };
std::ostream& operator<<(std::ostream& out, Damage damage)
{
    constexpr std::array names{"Unreadable", "Zeros", "Noise", "Flips"};
    return out << names[static_cast<std::size_t>(damage)];
}

class F2fsDamage : public ::testing::TestWithParam<Damage> {
protected:
    std::shared_ptr<SeedVolume> whole{kernel_volume("small_clean")};
    Original original{*open_f2fs(whole)};
    std::size_t opened{0};
    std::size_t tried{0};
    std::size_t right{0};

    void look()
    {
        ++tried;
        const auto fs = filesystem::open(whole);
        if (!fs.has_value()) {
            EXPECT_FALSE(fs.error().what.empty());
            return;
        }
        ++opened;
        Comparison comparison{**fs, original, GetParam() == Damage::flips};
        comparison.run();
        right += comparison.right();
    }

    void damage(std::uint32_t block)
    {
        SCOPED_TRACE(fmt::format("block {}", block));
        if (GetParam() == Damage::flips) {
            flip(block);
            return;
        }
        if (GetParam() == Damage::unreadable) {
            whole->lose(block);
            look();
            whole->mend();
            return;
        }
        auto& bytes = whole->held().at(block);
        const auto kept = bytes;
        bytes = GetParam() == Damage::zeros ? Bytes(block_bytes) : noise(block_bytes, block);
        look();
        bytes = kept;
    }

    /// One bit at a time, at places that lie all over the block.
    void flip(std::uint32_t block)
    {
        constexpr std::size_t places = 2;
        auto& bytes = whole->held().at(block);
        for (std::size_t i = 0; i < places; ++i) {
            const auto at = (i * 2141 + std::size_t{block} * 37) % block_bytes;
            const auto bit = static_cast<std::byte>(1U << (i + block) % 8);
            bytes[at] ^= bit;
            SCOPED_TRACE(fmt::format("byte {}", at));
            look();
            bytes[at] ^= bit;
        }
    }
};

TEST_P(F2fsDamage, NeverMakesAWrongByteRight)
{
    std::vector<std::uint32_t> blocks;
    for (const auto& [block, bytes] : whole->held()) {
        blocks.push_back(block);
    }
    for (const auto block : blocks) {
        // Content that is changed where it lies cannot be told from content.
        if (GetParam() == Damage::unreadable || !original.plain_data.contains(block)) {
            damage(block);
        }
        if (HasFailure()) {
            return;
        }
    }
    RecordProperty("tried", static_cast<int>(tried));
    RecordProperty("opened", static_cast<int>(opened));
    EXPECT_GT(tried, 150U);
    EXPECT_GE(opened + 8, tried); // the root's inode, in its one place
    EXPECT_GT(right, tried * 5);
}

INSTANTIATE_TEST_SUITE_P(Kinds, F2fsDamage,
                         ::testing::Values(Damage::unreadable, Damage::zeros, Damage::noise, Damage::flips),
                         [](const auto& kind) { return (std::ostringstream{} << kind.param).str(); });

class F2fsSuperblocks : public ::testing::Test {
protected:
    std::shared_ptr<SeedVolume> volume{kernel_volume("small_clean")};
};

TEST_F(F2fsSuperblocks, TheSecondServesForTheFirst)
{
    for (const auto at : {1024U, 1024U + 76U, 1024U + 96U}) { // magic, where checkpoints lie, the root's number
        auto damaged = kernel_volume("small_clean");
        damaged->held()[0][at] ^= std::byte{0x10};
        const auto fs = open_f2fs(damaged);
        EXPECT_TRUE(has_finding(*fs, "f2fs-second-superblock")) << at;
        EXPECT_TRUE(filesystem::find_path(*fs, "inline").has_value());
    }
}

TEST_F(F2fsSuperblocks, ADamagedSecondIsSaid)
{
    volume->held()[1].clear();
    volume->held()[1].resize(block_bytes);
    EXPECT_TRUE(has_finding(*open_f2fs(volume), "f2fs-superblock-copy"));
}

TEST_F(F2fsSuperblocks, WithoutBothThereIsNoVolume)
{
    volume->held()[0][1024 + 1500] ^= std::byte{1};
    volume->held()[1][1024 + 1500] ^= std::byte{1};
    const auto opened = filesystem::open(volume);
    ASSERT_TRUE(fails_with(opened, ErrorCode::malformed));
    EXPECT_NE(opened.error().what.find("checksum"), std::string::npos);
}

struct Refused {
    std::size_t at;
    std::uint32_t value;
    const char* reason;
};

class F2fsRefused : public ::testing::TestWithParam<Refused> {};

TEST_P(F2fsRefused, SaysTheReason)
{
    auto volume = kernel_volume("small_clean");
    for (const auto block : {0U, 1U}) {
        auto& bytes = volume->held()[block];
        const auto superblock = std::span{bytes}.subspan(1024);
        store_le<std::uint32_t>(superblock.subspan(2180), 0x1000); // only casefold: no checksum
        store_le<std::uint32_t>(superblock.subspan(GetParam().at), GetParam().value);
    }
    const auto opened = filesystem::open(volume);
    ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
    EXPECT_NE((opened.error().what + opened.error().why).find(GetParam().reason), std::string::npos)
        << to_string(opened.error());
}

INSTANTIATE_TEST_SUITE_P(All, F2fsRefused,
                         ::testing::Values(Refused{2180, 0x2, "blkzoned"}, Refused{2180, 0x8000, "device_alias"},
                                           Refused{2180, 0x40000000, "0x40000000"}, Refused{16, 14, "16 KiB"}));

TEST(F2fsDevices, AVolumeOfSeveralIsRefused)
{
    auto volume = kernel_volume("small_clean");
    for (const auto block : {0U, 1U}) {
        const auto superblock = std::span{volume->held()[block]}.subspan(1024);
        store_le<std::uint32_t>(superblock.subspan(2180), 0x1000);
        for (const auto device : {0U, 1U}) {
            store_le<std::uint32_t>(superblock.subspan(2201 + 68 * std::size_t{device}), 0x7665642F); // "/dev"
        }
    }
    const auto opened = filesystem::open(volume);
    ASSERT_TRUE(fails_with(opened, ErrorCode::unsupported));
    EXPECT_NE(opened.error().what.find("several devices"), std::string::npos);
}

TEST(F2fsDirtyDamage, ALoopInTheChainEndsIt)
{
    auto volume = kernel_volume("small_dirty");
    // The first node of the chain names itself as the next: any node that carries the mark of a sync will do.
    std::size_t changed = 0;
    for (auto& [block, bytes] : volume->held()) {
        const auto flags = load_le<std::uint32_t>(ByteView{bytes}.subspan(4080));
        const auto next = load_le<std::uint32_t>(ByteView{bytes}.subspan(4092));
        if (next == block + 1 && (flags & 2U) != 0) {
            store_le<std::uint32_t>(std::span{bytes}.subspan(4092), block);
            ++changed;
        }
    }
    ASSERT_GT(changed, 0U);
    const auto opened = filesystem::open(volume);
    ASSERT_TRUE(is_ok(opened));
    EXPECT_TRUE(has_finding(**opened, "f2fs-chain-damaged"));
}

TEST(F2fsCut, SaysWhatIsMissing)
{
    const auto whole = kernel_volume("small_clean");
    const auto half = io::make_subrange(whole, ByteRange::first(ByteCount{whole->size().value / 2}), "half").value();
    const auto opened = filesystem::open(half);
    ASSERT_TRUE(is_ok(opened));
    EXPECT_TRUE(has_finding(**opened, "f2fs-cut"));
}

} // namespace
} // namespace salvage::test
