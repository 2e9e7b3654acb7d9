// Every block of small volumes damaged in turn: what can be had is right, the rest is named, nothing crashes.
#include <set>

#include <fmt/format.h>

#include "erofs_images.hpp"

namespace salvage::test {
namespace {

using filesystem::Entry;
using filesystem::EntryType;

struct Known {
    Entry entry;
    Bytes content;
    std::string target;
    filesystem::ExtendedAttributes attributes;
};

/// A volume as it was before it was damaged.
struct Original {
    Bytes image;
    std::uint64_t metadata_at;
    std::uint64_t packed_inode; ///< holds the ends of files; 0: none
    std::map<std::string, Known> entries;

    explicit Original(const std::string& name)
        : image{erofs_sample(name)},
          metadata_at{std::uint64_t{load_le<std::uint32_t>(ByteView{image}.subspan(1024 + 40))}
                      << std::to_integer<unsigned>(image.at(1024 + 12))},
          packed_inode{load_le<std::uint64_t>(ByteView{image}.subspan(1024 + 96))}
    {
        const auto fs = open_image(image);
        const auto all = walk_all(*fs);
        for (const auto& [path, entry] : all) {
            Known known{.entry = entry, .content = {}, .target = {}, .attributes = {}};
            known.attributes = fs->extended_attributes(entry.inode).value();
            if (entry.type == EntryType::symlink) {
                known.target = fs->read_link(entry.inode).value();
            }
            if (entry.type == EntryType::file) {
                known.content = content_of(*fs, entry.inode);
            }
            entries.emplace(path, std::move(known));
        }
    }
};

enum class Damage : std::uint8_t { unreadable, zeros, noise, flips };
std::ostream& operator<<(std::ostream& out, Damage damage)
{
    constexpr std::array names{"Unreadable", "Zeros", "Noise", "Flips"};
    return out << names[static_cast<std::size_t>(damage)];
}

/// What may be wrong though nobody says so: the format has no checksums but that of the superblock's block.
struct Allowance {
    ByteRange damaged;
    Damage kind;
    /// Inodes that lie there have fields which nothing proves.
    [[nodiscard]] bool is_any_metadata_wrong() const noexcept { return kind == Damage::flips; }
};

/// Walks a damaged volume beside the original.
class Comparison {
public:
    Comparison(const filesystem::FileSystem& fs, const Original& original, const Allowance& allowance)
        : fs_{fs}, original_{original}, allowance_{allowance}, is_flagged_{has_finding(fs, "erofs-superblock-checksum")}
    {
    }

    void run() { folder(fs_.root().inode, "", true); }
    [[nodiscard]] std::size_t right() const { return right_; }

private:
    void folder(std::uint64_t inode, const std::string& path, bool is_known)
    {
        if (!folders_.insert(inode).second || folders_.size() > 100) {
            return;
        }
        std::vector<Entry> so_far;
        const auto listed = fs_.list(inode, &so_far);
        const bool is_whole = listed.has_value();
        if (!is_whole) {
            EXPECT_FALSE(listed.error().what.empty());
        }
        std::set<std::string> seen;
        for (const auto& entry : is_whole ? *listed : so_far) {
            const auto name = path.empty() ? entry.name : path + "/" + entry.name;
            seen.insert(entry.name);
            one(name, entry, is_whole && is_known);
            if (entry.type == EntryType::directory) {
                folder(entry.inode, name, is_whole && is_known);
            }
        }
        if (is_whole && is_known && !is_lenient()) {
            expect_all(path, seen);
        }
    }

    /// Every name of a folder that is said to be whole.
    void expect_all(const std::string& folder, const std::set<std::string>& seen)
    {
        for (const auto& [path, known] : original_.entries) {
            const auto slash = path.rfind('/');
            const auto parent = slash == std::string::npos ? std::string{} : path.substr(0, slash);
            if (parent == folder) {
                EXPECT_TRUE(seen.contains(path.substr(slash + 1))) << path << " is missing, and nobody says why";
            }
        }
    }

    [[nodiscard]] bool is_lenient() const { return is_flagged_ || allowance_.is_any_metadata_wrong(); }

    void one(const std::string& path, const Entry& entry, bool is_sure)
    {
        const auto status = fs_.stat(entry.inode);
        const auto attributes = fs_.extended_attributes(entry.inode);
        const auto target = fs_.read_link(entry.inode);
        const auto source = fs_.open(entry.inode);
        EXPECT_TRUE(status.has_value() || !status.error().what.empty());
        EXPECT_TRUE(attributes.has_value() || !attributes.error().what.empty());
        EXPECT_TRUE(target.has_value() || !target.error().what.empty());
        EXPECT_TRUE(source.has_value() || !source.error().what.empty());
        const auto found = original_.entries.find(path);
        const bool is_comparable = is_sure && !is_lenient();
        if (is_comparable) {
            EXPECT_NE(found, original_.entries.end()) << path << " was never there";
        }
        if (found == original_.entries.end()) {
            return;
        }
        const auto& known = found->second;
        if (is_comparable && status.has_value() && !lies_in_damage(entry.inode)) {
            EXPECT_EQ(entry.type, known.entry.type) << path;
            EXPECT_EQ(entry.inode, known.entry.inode) << path;
            EXPECT_EQ(status->size, known.entry.size) << path;
            EXPECT_EQ(status->modified, known.entry.modified) << path;
        }
        if (is_comparable && target.has_value()) {
            EXPECT_TRUE(*target == known.target || lies_in_damage(entry.inode)) << path;
        }
        if (source.has_value()) {
            const bool is_proved = !lies_in_damage(entry.inode) &&
                                   (original_.packed_inode == 0 || !lies_in_damage(original_.packed_inode));
            content(path, **source, known, is_comparable && is_proved);
        }
    }

    /// No field of an inode is proved by another, nor what stands behind it: attributes, the target of a short link.
    [[nodiscard]] bool lies_in_damage(std::uint64_t inode) const
    {
        constexpr ByteCount with_what_follows{512};
        const auto place = *ByteRange::make(ByteOffset{original_.metadata_at + inode * 32}, with_what_follows);
        return allowance_.kind != Damage::unreadable && allowance_.damaged.overlaps(place);
    }

    void content(const std::string& path, const io::ByteSource& source, const Known& known, bool is_comparable)
    {
        constexpr std::uint64_t most = 1U << 20U;
        const auto part = ByteRange::first(ByteCount{std::min(source.size().value, most)});
        const auto extents = source.extents(part);
        ASSERT_TRUE(is_ok(extents)) << path;
        for (const auto& extent : *extents) {
            const auto bytes = io::read_bytes(source, extent.range.start(), extent.range.size());
            ASSERT_EQ(bytes.has_value(), extent.kind != io::ExtentKind::unreadable) << path;
            if (!bytes.has_value()) {
                EXPECT_EQ(bytes.error().code, ErrorCode::unreadable);
                EXPECT_FALSE(bytes.error().what.empty());
                continue;
            }
            if (is_comparable && extent.range.end().value <= known.content.size()) {
                compare(path, source, extent.range.start().value, *bytes, known.content);
            }
        }
    }

    /// Bytes that stand on the volume as they are cannot be told from others, nor can literals in compressed data.
    void compare(const std::string& path, const io::ByteSource& source, std::uint64_t start, ByteView bytes,
                 ByteView expected)
    {
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (bytes[i] != expected[start + i]) {
                ASSERT_TRUE(comes_from_damage(source, start + i))
                    << path << " at " << start + i << ": wrong, and said to be right";
            }
        }
        ++right_;
    }

    /// All bytes of a compressed part are said to lie where it begins.
    [[nodiscard]] bool comes_from_damage(const io::ByteSource& source, std::uint64_t at) const
    {
        constexpr ByteCount largest_cluster{65536};
        const auto where = [&](std::uint64_t offset) { return source.locate(ByteOffset{offset}).chain.front().at; };
        const bool is_packed =
            (at > 0 && where(at - 1) == where(at)) || (at + 1 < source.size().value && where(at + 1) == where(at));
        const auto place = *ByteRange::make(where(at), is_packed ? largest_cluster : ByteCount{1});
        return allowance_.kind != Damage::unreadable && allowance_.damaged.overlaps(place);
    }

    const filesystem::FileSystem& fs_;
    const Original& original_;
    const Allowance& allowance_;
    bool is_flagged_;
    std::set<std::uint64_t> folders_;
    std::size_t right_{0};
};

/// Looks at damaged forms of one volume.
class Looking {
public:
    Looking(const std::string& name, Damage damage) : original{name}, kind{damage} {}

    Original original;
    Damage kind;
    std::size_t tried{0};
    std::size_t opened{0};
    std::size_t right{0};

    void look(const io::SourcePtr& source, ByteRange damaged)
    {
        ++tried;
        const auto fs = filesystem::open(source);
        if (!fs.has_value()) {
            EXPECT_FALSE(fs.error().what.empty());
            return;
        }
        ++opened;
        const Allowance allowance{.damaged = damaged, .kind = kind};
        Comparison comparison{**fs, original, allowance};
        comparison.run();
        right += comparison.right();
    }

    void damage(ByteRange block)
    {
        SCOPED_TRACE(fmt::format("byte {:#x}", block.start().value));
        if (kind == Damage::unreadable) {
            look(io::make_with_bad_areas(in_memory(original.image), {block}), block);
            return;
        }
        if (kind == Damage::flips) {
            flip(block);
            return;
        }
        auto image = original.image;
        const auto bytes =
            kind == Damage::zeros ? Bytes(block.size().value) : noise(block.size().value, block.start().value);
        std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(block.start().value));
        look(in_memory(std::move(image)), block);
    }

private:
    /// One bit at a time, at places that lie all over the block.
    void flip(ByteRange block)
    {
        constexpr std::size_t places = 12;
        for (std::size_t i = 0; i < places; ++i) {
            const auto at = block.start().value + (i * 2141 + block.start().value / 512 * 37) % block.size().value;
            auto image = original.image;
            image.at(at) ^= static_cast<std::byte>(1U << (i + at) % 8);
            SCOPED_TRACE(fmt::format("byte {:#x}", at));
            look(in_memory(std::move(image)), block);
        }
    }
};

class ErofsDamage : public ::testing::TestWithParam<std::tuple<const char*, Damage>> {};

TEST_P(ErofsDamage, NeverMakesAWrongByteRight)
{
    constexpr std::uint64_t area = 512; // what a bad sector takes
    const auto& [name, kind] = GetParam();
    Looking looking{name, kind};
    const auto size = looking.original.image.size();
    for (std::uint64_t at = 0; at < size && !HasFailure(); at += area) {
        looking.damage(ByteRange::between(ByteOffset{at}, ByteOffset{std::min<std::uint64_t>(at + area, size)}));
    }
    EXPECT_GT(looking.tried, 30U);
    EXPECT_GT(looking.opened * 10, looking.tried * 8); // not those of the superblock and the root's inode
    if (kind != Damage::flips) {
        EXPECT_GT(looking.right, looking.tried * 5);
    }
}

class ErofsCut : public ::testing::TestWithParam<const char*> {};

TEST_P(ErofsCut, SaysWhatIsMissing)
{
    Looking looking{GetParam(), Damage::unreadable};
    const auto image = in_memory(looking.original.image);
    for (std::uint64_t end = 0; end < looking.original.image.size(); end += 509) {
        SCOPED_TRACE(fmt::format("cut at {}", end));
        looking.look(io::make_subrange(image, ByteRange::first(ByteCount{end}), "cut").value(), ByteRange{});
    }
    EXPECT_GT(looking.opened, looking.tried / 4);
}

INSTANTIATE_TEST_SUITE_P(Forms, ErofsCut, ::testing::Values("plain", "chunks", "lz4", "lz4-full", "lz4-fragments"),
                         [](const auto& name) {
                             std::string out{name.param};
                             std::ranges::replace(out, '-', '_');
                             return out;
                         });

INSTANTIATE_TEST_SUITE_P(
    Kinds, ErofsDamage,
    ::testing::Combine(::testing::Values("plain", "chunk-indexes", "lz4", "lz4-large", "lz4-tails", "lz4-full",
                                         "lz4-fragments", "lz4-dedupe", "lz4-blocks-of-512", "lzma", "deflate", "zstd",
                                         "fragment-prefixes"),
                       ::testing::Values(Damage::unreadable, Damage::zeros, Damage::noise, Damage::flips)),
    [](const auto& kind) {
        auto name = (std::ostringstream{} << std::get<0>(kind.param) << std::get<1>(kind.param)).str();
        std::ranges::replace(name, '-', '_');
        return name;
    });

} // namespace
} // namespace salvage::test
