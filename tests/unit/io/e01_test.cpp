// E01 images made by other people's tools, damaged in every way; and ours, read by them.
#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "salvage/io/e01.hpp"
#include "salvage/io/e01_writer.hpp"
#include "salvage/io/sources.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::io {
namespace {

using test::fails_with;
using test::is_ok;
using test::read_file;
using test::run_command;
using test::TemporaryFolder;

/// Some of everything: text, zeros, noise.  A multiple of 512.
Bytes mixed(std::size_t size)
{
    Bytes out(size);
    std::mt19937 random{7};
    for (std::size_t i = 0; i < size; ++i) {
        const auto part = i / 40000 % 3;
        out[i] = part == 0   ? static_cast<std::byte>('a' + (i * i / 100 % 17))
                 : part == 1 ? std::byte{0}
                             : static_cast<std::byte>(random());
    }
    return out;
}

bool has_ewf_tools()
{
    return run_command("command -v ewfacquire ewfexport ewfverify ewfinfo >/dev/null && echo yes").has_value();
}

class E01 : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (!has_ewf_tools()) {
            GTEST_SKIP() << "ewf-tools are not installed";
        }
    }
    /// What ewfacquire makes of `content`; the path of the first segment.
    std::filesystem::path acquire(const Bytes& content, const std::string& options)
    {
        const auto raw = folder_.write("source.img", content);
        const auto stem = folder_.path() / "image";
        EXPECT_TRUE(run_command(fmt::format(
            "ewfacquire -u -q -C 17 -D phone -E A-1 -e Nobody -N note {} -t '{}' '{}' >/dev/null 2>&1 && echo yes",
            options, stem.string(), raw.string())))
            << options;
        return folder_.path() / "image.E01";
    }
    TemporaryFolder folder_;
};

void expect_content(const SourcePtr& source, const Bytes& content)
{
    ASSERT_EQ(source->size().value, content.size());
    const auto all = read_all(*source, source->size());
    ASSERT_TRUE(is_ok(all));
    EXPECT_TRUE(*all == content);
}

std::uint32_t adler(ByteView bytes)
{
    return static_cast<std::uint32_t>(::adler32_z(1, as_uchar(bytes), bytes.size()));
}

/// The places of an E01's sections of one type: where each descriptor starts.
std::vector<std::size_t> sections_of(const Bytes& file, const std::string& type)
{
    std::vector<std::size_t> out;
    for (std::size_t at = 13; at + 76 <= file.size();) {
        const auto view = ByteView{file}.subspan(at);
        std::string name{as_text(view.first(16))};
        name.resize(std::strlen(name.c_str()));
        if (name == type) {
            out.push_back(at);
        }
        const auto next = load_le<std::uint64_t>(view.subspan(16));
        if (next <= at) {
            break;
        }
        at = static_cast<std::size_t>(next);
    }
    return out;
}

TEST_F(E01, OfEveryKindThatEwfacquireWritesIsRead)
{
    const auto content = mixed(1'000'448);
    for (const auto* const format :
         {"encase1", "encase2", "encase3", "encase4", "encase5", "encase6", "linen5", "linen6", "ftk", "ewfx", "ewf"}) {
        for (const auto* const compression : {"none", "empty-block", "fast", "best"}) {
            SCOPED_TRACE(fmt::format("{} {}", format, compression));
            const TemporaryFolder fresh;
            const auto raw = fresh.write("source.img", content);
            ASSERT_TRUE(run_command(fmt::format("ewfacquire -u -q -f {} -c {} -t '{}' '{}' >/dev/null 2>&1 && echo yes",
                                                format, compression, (fresh.path() / "image").string(), raw.string())));
            auto first = fresh.path() / "image.E01";
            if (!std::filesystem::exists(first)) {
                first = fresh.path() / "image.e01"; // ewfx
            }
            const auto image = open_e01(first);
            ASSERT_TRUE(is_ok(image));
            EXPECT_TRUE(image->info.md5.has_value());
            EXPECT_TRUE(image->info.damage.empty()) << image->info.damage.front();
            expect_content(image->content, content);
        }
    }
}

TEST_F(E01, OfASmartImageIsReadToo)
{
    const auto content = mixed(300'032);
    const auto raw = folder_.write("source.img", content);
    ASSERT_TRUE(run_command(fmt::format("ewfacquire -u -q -f smart -c fast -t '{}' '{}' >/dev/null 2>&1 && echo yes",
                                        (folder_.path() / "image").string(), raw.string())));
    const auto image = open_e01(folder_.path() / "image.s01");
    ASSERT_TRUE(is_ok(image));
    expect_content(image->content, content);
}

TEST_F(E01, TellsItsCaseAndItsHashes)
{
    const auto content = mixed(100'352);
    const auto image = open_e01(acquire(content, "-d sha1"));
    ASSERT_TRUE(is_ok(image));
    EXPECT_EQ(image->info.case_data.case_number, "17");
    EXPECT_EQ(image->info.case_data.description, "phone");
    EXPECT_EQ(image->info.case_data.evidence_number, "A-1");
    EXPECT_EQ(image->info.case_data.examiner, "Nobody");
    EXPECT_EQ(image->info.case_data.notes, "note");
    const auto source = (folder_.path() / "source.img").string();
    const auto md5 = run_command(fmt::format("md5sum '{}'", source));
    const auto sha1 = run_command(fmt::format("sha1sum '{}'", source));
    ASSERT_TRUE(md5 && sha1 && image->info.md5 && image->info.sha1);
    EXPECT_EQ(to_hex(*image->info.md5), md5->substr(0, 32));
    EXPECT_EQ(to_hex(*image->info.sha1), sha1->substr(0, 40));
}

TEST_F(E01, InManySegmentsIsOneImage)
{
    Bytes content(5U << 20U);
    std::mt19937 random{3};
    std::ranges::generate(content, [&] { return static_cast<std::byte>(random()); });
    const auto first = acquire(content, "-S 1048576 -c none");
    const auto paths = find_e01_segments(first);
    ASSERT_TRUE(is_ok(paths));
    EXPECT_GE(paths->size(), 5U);
    const auto source = open_any(first);
    ASSERT_TRUE(is_ok(source));
    expect_content(*source, content);
    std::filesystem::remove(paths->at(2));
    const auto gap = open_any(first);
    ASSERT_TRUE(fails_with(gap, ErrorCode::truncated)) << "a missing segment is never an end";
    EXPECT_NE(gap.error().what.find("segment 3"), std::string::npos);
    EXPECT_TRUE(fails_with(open_any(paths->at(1)), ErrorCode::malformed)) << "the second segment is not the first";
}

TEST_F(E01, LosesNoMoreThanTheChunkThatIsDamaged)
{
    const auto content = mixed(1'000'448);
    for (const auto* const compression : {"none", "best"}) {
        std::filesystem::remove(folder_.path() / "image.E01");
        auto file = read_file(acquire(content, fmt::format("-c {} -b 64", compression)));
        const auto sectors = sections_of(file, "sectors").front();
        file[sectors + 76 + 100] ^= std::byte{0x55}; // in the first chunk
        const auto image = make_e01({make_memory(file, "image.E01")});
        ASSERT_TRUE(is_ok(image));
        const auto bad = read_bytes(*image->content, ByteOffset{5}, ByteCount{10});
        ASSERT_TRUE(fails_with(bad, ErrorCode::unreadable));
        EXPECT_EQ(bad.error().where->chain.front(), (Place{.source = "image.E01", .at = ByteOffset{sectors + 76}}));
        EXPECT_EQ(bad.error().where->chain.back().at, ByteOffset{5});
        const auto rest = read_bytes(*image->content, ByteOffset{32768}, ByteCount{content.size() - 32768});
        ASSERT_TRUE(is_ok(rest));
        EXPECT_TRUE(std::ranges::equal(*rest, ByteView{content}.subspan(32768)));
    }
}

TEST_F(E01, UsesTheMirrorOfADamagedTable)
{
    const auto content = mixed(1'000'448);
    auto file = read_file(acquire(content, "-c best"));
    file[sections_of(file, "table").front() + 76 + 24 + 8] ^= std::byte{1};
    auto image = make_e01({make_memory(file, "image.E01")});
    ASSERT_TRUE(is_ok(image));
    EXPECT_EQ(image->info.damage.size(), 2U);
    expect_content(image->content, content);
    file[sections_of(file, "table2").front() + 76 + 24 + 8] ^= std::byte{1};
    image = make_e01({make_memory(file, "image.E01")});
    ASSERT_TRUE(is_ok(image));
    const auto extents = image->content->extents(whole(*image->content));
    ASSERT_TRUE(is_ok(extents));
    EXPECT_EQ(*extents, (std::vector{Extent{.range = whole(*image->content), .kind = ExtentKind::unreadable}}));
    EXPECT_TRUE(fails_with(read_bytes(*image->content, ByteOffset{0}, ByteCount{1}), ErrorCode::unreadable));
}

/// Opens what may be anything, and reads all of it: a value or a well-formed error, in bounded time and memory.
void try_all(const Bytes& file)
{
    const auto image = make_e01({make_memory(file, "image.E01")});
    if (!image.has_value()) {
        EXPECT_FALSE(image.error().what.empty());
        return;
    }
    const auto& content = *image->content;
    ASSERT_TRUE(is_ok(content.extents(whole(content))));
    Bytes buffer(65536);
    const auto end = std::min<std::uint64_t>(content.size().value, 1U << 21U);
    for (std::uint64_t at = 0; at < end; at += buffer.size()) {
        const auto part =
            std::span{buffer}.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at)));
        const auto read = content.read_at(ByteOffset{at}, part);
        EXPECT_TRUE(read.has_value() || read.error().code == ErrorCode::unreadable) << to_string(read.error());
    }
}

TEST_F(E01, CutAnywhereIsAnErrorOrSaysWhatIsLost)
{
    const auto content = mixed(100'352);
    const auto file = read_file(acquire(content, "-c best"));
    for (std::size_t length = 0; length < file.size(); length += length < 4000 ? 1 : 97) {
        const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(length));
        try_all(cut);
        const auto image = make_e01({make_memory(cut, "image.E01")});
        if (image.has_value()) {
            EXPECT_FALSE(image->info.damage.empty()) << "cut at " << length;
        }
    }
}

/// Checksums put right, so that a lie gets past them.
void mend(Bytes& file)
{
    const auto put = [&](std::size_t at, std::size_t count) {
        if (at + count + 4 <= file.size()) {
            store_le(std::span{file}.subspan(at + count), adler(ByteView{file}.subspan(at, count)));
        }
    };
    for (const auto* const type :
         {"volume", "table", "table2", "digest", "hash", "sectors", "header", "header2", "data", "error2"}) {
        for (const auto at : sections_of(file, type)) {
            put(at, 72);
        }
    }
    for (const auto at : sections_of(file, "volume")) {
        put(at + 76, 1048);
    }
    for (const auto* const type : {"table", "table2"}) {
        for (const auto at : sections_of(file, type)) {
            put(at + 76, 20);
            if (at + 80 <= file.size()) {
                const auto count = load_le<std::uint32_t>(ByteView{file}.subspan(at + 76));
                if (count < 100'000) {
                    put(at + 100, 4ULL * count);
                }
            }
        }
    }
}

TEST_F(E01, OfHostileNumbersIsBounded)
{
    const auto content = mixed(100'352);
    const auto file = read_file(acquire(content, "-c best"));
    std::vector<std::size_t> places;
    for (const auto* const type : {"volume", "table", "table2", "header2", "header", "digest", "hash", "sectors"}) {
        for (const auto at : sections_of(file, type)) {
            for (std::size_t i = 16; i < 200 && at + i < file.size(); ++i) {
                places.push_back(at + i);
            }
        }
    }
    std::mt19937 random{11};
    constexpr std::array values{std::byte{0}, std::byte{1}, std::byte{0x7F}, std::byte{0x80}, std::byte{0xFF}};
    for (int round = 0; round < 3000; ++round) {
        auto hostile = file;
        const auto at = places[random() % places.size()];
        const auto count = std::size_t{1} << (random() % 4);
        for (std::size_t i = 0; i < count && at + i < hostile.size(); ++i) {
            hostile[at + i] = values[random() % values.size()];
        }
        if (round % 4 != 0) {
            mend(hostile);
        }
        try_all(hostile);
    }
}

TEST(E01Files, ThatAreNoneAreRefused)
{
    const TemporaryFolder folder;
    const std::string ex01{"EVF2\r\n\x81\0 and more", 17};
    EXPECT_TRUE(fails_with(open_any(folder.write("a.Ex01", as_bytes(ex01))), ErrorCode::unsupported));
    const std::string empty{"EVF\x09\x0d\x0a\xff\0\1\1\0\0\0", 13};
    EXPECT_TRUE(fails_with(open_any(folder.write("a.E01", as_bytes(empty))), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(make_e01({}), ErrorCode::invalid_argument));
}

TEST(E01Names, CountOnBeyond99)
{
    const auto name = [](std::uint32_t number) { return e01_segment_path("d/x.E01", number).value().string(); };
    EXPECT_EQ(name(1), "d/x.E01");
    EXPECT_EQ(name(99), "d/x.E99");
    EXPECT_EQ(name(100), "d/x.EAA");
    EXPECT_EQ(name(125), "d/x.EAZ");
    EXPECT_EQ(name(126), "d/x.EBA");
    EXPECT_EQ(name(775), "d/x.EZZ");
    EXPECT_EQ(name(776), "d/x.FAA");
    EXPECT_EQ(name(14971), "d/x.ZZZ");
    EXPECT_TRUE(fails_with(e01_segment_path("x.E01", 14972), ErrorCode::invalid_argument));
    EXPECT_EQ(e01_segment_path("x.e01", 100)->string(), "x.eaa");
}

Md5Digest md5_of(const std::filesystem::path& path)
{
    Md5Digest out{};
    const auto hex = from_hex(run_command(fmt::format("md5sum '{}'", path.string())).value().substr(0, 32));
    std::ranges::copy(*hex, out.begin());
    return out;
}
Sha1DigestOfImage sha1_of(const std::filesystem::path& path)
{
    Sha1DigestOfImage out{};
    const auto hex = from_hex(run_command(fmt::format("sha1sum '{}'", path.string())).value().substr(0, 40));
    std::ranges::copy(*hex, out.begin());
    return out;
}

TEST_F(E01, WrittenHereIsVerifiedByEwfverifyAndGivenBackByEwfexport)
{
    for (const auto size : {512U, 32768U, 33280U, 3'000'320U}) {
        for (const auto compression : {E01Compression::none, E01Compression::fast, E01Compression::best}) {
            SCOPED_TRACE(fmt::format("{} bytes, compression {}", size, static_cast<int>(compression)));
            const TemporaryFolder fresh;
            const auto content = mixed(size);
            const auto raw = fresh.write("raw.img", content);
            const auto first = fresh.path() / "ours.E01";
            auto writer = E01Writer::create(first, ByteCount{size},
                                            {.compression = compression,
                                             .segment = ByteCount{1U << 20U},
                                             .case_data = {.case_number = "17",
                                                           .evidence_number = "A\t1",
                                                           .description = "Telefon ü",
                                                           .examiner = "N",
                                                           .notes = {},
                                                           .acquired = {},
                                                           .software = {}}});
            ASSERT_TRUE(is_ok(writer));
            ASSERT_TRUE(is_ok(writer->append(pack_e01_chunks(content, compression))));
            EXPECT_FALSE(std::filesystem::exists(first)) << "not before it is whole";
            const auto files = writer->commit(md5_of(raw), sha1_of(raw));
            ASSERT_TRUE(is_ok(files));
            EXPECT_EQ(files->front(), first);
            EXPECT_FALSE(std::filesystem::exists(fresh.path() / "ours.E01.partial"));
            EXPECT_TRUE(run_command(fmt::format("ewfverify -q -d sha1 '{}' 2>&1", first.string()))) << "MD5 and SHA-1";
            EXPECT_TRUE(run_command(
                fmt::format("ewfexport -u -q -f raw -o 0 -t - '{}' 2>/dev/null | head -c {} | cmp - '{}' && echo same",
                            first.string(), size, raw.string())));
            const auto image = open_e01(first);
            ASSERT_TRUE(is_ok(image));
            EXPECT_EQ(image->info.md5, md5_of(raw));
            EXPECT_EQ(image->info.sha1, sha1_of(raw));
            EXPECT_EQ(image->info.case_data.description, "Telefon ü");
            EXPECT_EQ(image->info.case_data.evidence_number, "A 1") << "a tab would shift the fields behind it";
            expect_content(image->content, content);
            EXPECT_TRUE(fails_with(E01Writer::create(first, ByteCount{size}, {}), ErrorCode::already_exists));
        }
    }
}

TEST_F(E01, NotesWhatWasNotRead)
{
    const auto content = mixed(100'352);
    const auto raw = folder_.write("raw.img", content);
    const auto first = folder_.path() / "ours.E01";
    auto writer = E01Writer::create(first, ByteCount{content.size()}, {});
    ASSERT_TRUE(is_ok(writer));
    ASSERT_TRUE(is_ok(writer->append(pack_e01_chunks(content, E01Compression::fast))));
    ASSERT_TRUE(is_ok(writer->note_unread(ByteRange::between(ByteOffset{1024}, ByteOffset{2048}))));
    ASSERT_TRUE(is_ok(writer->commit(md5_of(raw), sha1_of(raw))));
    const auto info = run_command(fmt::format("ewfinfo '{}'", first.string()));
    ASSERT_TRUE(info.has_value());
    EXPECT_NE(info->find("Read errors during acquiry"), std::string::npos) << *info;
    const auto image = open_e01(first);
    ASSERT_TRUE(is_ok(image));
    EXPECT_EQ(image->info.acquisition_errors, (std::vector{ByteRange::between(ByteOffset{1024}, ByteOffset{2048})}));
    EXPECT_TRUE(fails_with(read_bytes(*image->content, ByteOffset{1500}, ByteCount{1}), ErrorCode::unreadable));
    EXPECT_TRUE(is_ok(read_bytes(*image->stored, ByteOffset{1500}, ByteCount{1})));
}

TEST(E01Writing, RefusesWhatAnE01CannotBe)
{
    const TemporaryFolder folder;
    const auto first = folder.path() / "x.E01";
    EXPECT_TRUE(
        fails_with(E01Writer::create(folder.path() / "x.img", ByteCount{512}, {}), ErrorCode::invalid_argument));
    EXPECT_TRUE(fails_with(E01Writer::create(first, ByteCount{513}, {}), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(E01Writer::create(first, ByteCount{0}, {}), ErrorCode::unsupported));
    EXPECT_TRUE(fails_with(E01Writer::create(first, ByteCount{512}, {.segment = ByteCount{512}, .case_data = {}}),
                           ErrorCode::invalid_argument));
    const auto writer = E01Writer::create(first, ByteCount{512}, {});
    ASSERT_TRUE(is_ok(writer));
    EXPECT_TRUE(fails_with(E01Writer::create(first, ByteCount{512}, {}), ErrorCode::already_exists))
        << "another run writes it";
    (void)folder.write("y.txt", {});
    std::filesystem::create_directory(folder.path() / "z.E01.partial");
    (void)folder.write("z.E01.partial/mine.txt", {});
    EXPECT_TRUE(fails_with(E01Writer::create(folder.path() / "z.E01", ByteCount{512}, {}), ErrorCode::already_exists));
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "z.E01.partial/mine.txt"));
}

} // namespace
} // namespace salvage::io
