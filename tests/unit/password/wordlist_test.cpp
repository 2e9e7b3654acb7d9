// Word lists: what a line is, and that any block of candidates is the same however it is asked for.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "keyspace_support.hpp"
#include "support/files.hpp"

namespace salvage::password {
namespace {

using salvage::test::fails_with;
using salvage::test::is_ok;
using salvage::test::TemporaryFolder;
using test::all_of;
using test::at_once;
using test::one_by_one;
using Words = std::vector<std::string>;

class Wordlist : public ::testing::Test {
protected:
    KeyspacePtr of(std::string_view text)
    {
        path_ = folder_.write("words.txt", as_bytes(text));
        return make_wordlist(path_.string()).unwrap();
    }
    Words words(std::string_view text) { return all_of(*of(text)); }

    TemporaryFolder folder_;
    std::filesystem::path path_;
};

TEST_F(Wordlist, HasACandidateALine)
{
    EXPECT_EQ(words("alpha\nbeta\n"), (Words{"alpha", "beta"}));
    EXPECT_EQ(words("alpha\nbeta"), (Words{"alpha", "beta"}));
    EXPECT_EQ(words("alpha\r\nbeta\r\n"), (Words{"alpha", "beta"}));
    EXPECT_EQ(words("alpha\r\nbeta\r"), (Words{"alpha", "beta"}));
}

TEST_F(Wordlist, KeepsEmptyLinesAndBlanks)
{
    EXPECT_EQ(words("\n\n a \n"), (Words{"", "", " a "}));
    EXPECT_EQ(words("\r\n"), (Words{""}));
    EXPECT_EQ(words(""), Words{});
}

TEST_F(Wordlist, TakesOneReturnFromTheEndAndNoOther)
{
    EXPECT_EQ(words("a\rb\n\r\r\n"), (Words{"a\rb", "\r"}));
}

TEST_F(Wordlist, TakesAnyBytes)
{
    const std::string text{"\xC3\xA4\n\xE4\n\0x\n\xFF\xFE\n", 11};
    EXPECT_EQ(words(text), (Words{"\xC3\xA4", "\xE4", std::string{"\0x", 2}, "\xFF\xFE"}));
}

TEST_F(Wordlist, UnwrapsHexWordsAsHashcatWritesThem)
{
    EXPECT_EQ(words("$HEX[616263]\n$HEX[0A0d00]\n$HEX[]\n"), (Words{"abc", std::string{"\n\r\0", 3}, ""}));
}

TEST_F(Wordlist, LeavesWhatIsNoHexWordAsItIs)
{
    const Words as_they_are{"$HEX[6]",  "$HEX[6g]",  "$HEX[61",   "$HEX 61]",
                            "$hex[61]", "x$HEX[61]", "$HEX[61]x", "$HEX["};
    std::string text;
    for (const auto& word : as_they_are) {
        text += word + "\n";
    }
    EXPECT_EQ(words(text), as_they_are);
}

TEST_F(Wordlist, LeavesOutLinesThatNobodyTypesAndSaysSo)
{
    const std::string longest(max_word_bytes, 'a');
    const std::string too_long(max_word_bytes + 1, 'b');
    const std::string endless(3U << 20U, 'c');
    const auto list = of("first\n" + longest + "\n" + too_long + "\n" + endless + "\r\n" + longest + "\r\nlast\n");
    EXPECT_EQ(all_of(*list), (Words{"first", longest, longest, "last"}));
    EXPECT_NE(list->description().find("2 lines over 1024 bytes are left out"), std::string::npos)
        << list->description();
}

TEST_F(Wordlist, MeasuresAHexWordByWhatItStandsFor)
{
    const auto hex_of = [](std::size_t bytes) { return "$HEX[" + to_hex(Bytes(bytes, std::byte{'z'})) + "]"; };
    EXPECT_EQ(words(hex_of(max_word_bytes) + "\n" + hex_of(max_word_bytes + 1) + "\nend\n"),
              (Words{std::string(max_word_bytes, 'z'), "end"}));
}

/// Lines of many lengths, over several index entries and read blocks.
std::string many_lines()
{
    std::string out;
    std::uint32_t state = 1;
    for (unsigned i = 0; i < 20'000; ++i) {
        state = state * 1664525U + 1013904223U;
        out += fmt::format("{:x}", i) + std::string((state >> 24U) % 40, static_cast<char>('a' + i % 26));
        out += i % 7 == 0 ? "\r\n" : "\n";
        if (i % 5000 == 4321) {
            out += std::string(1U << 20U, 'L') + "\n"; // left out, and longer than a read block
        }
    }
    return out;
}

TEST_F(Wordlist, GivesTheSameAtOnceAndOneByOneFromAnyPlace)
{
    const auto list = of(many_lines());
    ASSERT_EQ(list->size().value, 20'000U);
    const auto all = at_once(*list, 0, 20'000);
    EXPECT_EQ(all.front().front(), '0');
    for (const std::uint64_t first : {0U, 1U, 255U, 4095U, 4096U, 4097U, 8191U, 12'345U, 19'999U}) {
        const auto count = std::min<std::size_t>(300, 20'000 - static_cast<std::size_t>(first));
        const Words expected(all.begin() + static_cast<std::ptrdiff_t>(first),
                             all.begin() + static_cast<std::ptrdiff_t>(first + count));
        EXPECT_EQ(at_once(*list, first, count), expected) << first;
        EXPECT_EQ(
            one_by_one(*list, first, 3 > count ? count : 3),
            Words(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(3, count))))
            << first;
    }
}

/// The same list, packed by `packer`, a filter.
class PackedWordlist : public Wordlist, public ::testing::WithParamInterface<const char*> {
protected:
    std::filesystem::path packed(std::string_view text)
    {
        const auto plain = folder_.write("plain.txt", as_bytes(text));
        auto path = folder_.path() / "words.packed";
        EXPECT_TRUE(salvage::test::run_command(fmt::format("{} <{} >{}", GetParam(), plain.string(), path.string())));
        return path;
    }
};

TEST_P(PackedWordlist, IsTheSameAsUnpacked)
{
    const auto text = many_lines();
    const auto plain = of(text);
    const auto list = make_wordlist(packed(text).string());
    ASSERT_TRUE(is_ok(list));
    EXPECT_EQ((*list)->identity(), plain->identity()) << "a session goes on whatever the list is packed in";
    EXPECT_EQ(at_once(**list, 0, 20'000), at_once(*plain, 0, 20'000));
    for (const std::uint64_t first : {19'000U, 12'345U, 4097U, 0U}) {
        EXPECT_EQ(at_once(**list, first, 300), at_once(*plain, first, 300)) << first;
    }
}

TEST_P(PackedWordlist, ThatIsCutOffIsAnError)
{
    const auto path = packed(many_lines());
    std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
    EXPECT_TRUE(fails_with(make_wordlist(path.string()), ErrorCode::truncated));
}

INSTANTIATE_TEST_SUITE_P(Packers, PackedWordlist, ::testing::Values("gzip -c", "zstd -q -c", "zip -q - -"));

TEST_F(Wordlist, PackedInAWayThatIsNotUnpackedNamesIt)
{
    using namespace std::string_view_literals;
    const auto path = folder_.write("words.7z", as_bytes("7z\xBC\xAF\x27\x1C and more"sv));
    const auto list = make_wordlist(path.string());
    ASSERT_TRUE(fails_with(list, ErrorCode::unsupported));
    EXPECT_NE(to_string(list.error()).find("7z x"), std::string::npos) << to_string(list.error());
}

TEST_F(Wordlist, HasNothingBeyondItsEnd)
{
    const auto list = of("a\nb\n");
    EXPECT_TRUE(fails_with(candidate_at(*list, 2), ErrorCode::internal));
    std::vector<Candidate> three(3);
    EXPECT_TRUE(fails_with(list->candidates(0, three), ErrorCode::internal));
    EXPECT_TRUE(is_ok(list->candidates(2, {})));
}

TEST_F(Wordlist, IsKnownByItsContentWhateverItsName)
{
    const auto first = of("a\nb\n")->identity();
    const auto other = make_wordlist(folder_.write("renamed", as_bytes("a\nb\n")).string()).unwrap();
    EXPECT_EQ(other->identity(), first);
    EXPECT_NE(of("a\nc\n")->identity(), first);
    // printf 'a\nb\n' | sha256sum
    EXPECT_EQ(first, "wordlist:sha256=911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2");
}

TEST_F(Wordlist, ThatIsNotThereIsAnError)
{
    EXPECT_TRUE(fails_with(make_wordlist((folder_.path() / "none").string()), ErrorCode::io));
    EXPECT_TRUE(fails_with(make_wordlist(folder_.path().string()), ErrorCode::io));
}

TEST_F(Wordlist, ThatIsCutWhileItIsSearchedIsNoticed)
{
    const auto list = of("alpha\nbeta\ngamma\n");
    std::filesystem::resize_file(path_, 6);
    const auto lost = candidate_at(*list, 2);
    ASSERT_FALSE(lost.has_value());
    EXPECT_FALSE(lost.error().what.empty());
}

TEST_F(Wordlist, StopsIndexingWhenAsked)
{
    const auto path = folder_.write("words.txt", as_bytes("a\n"));
    std::stop_source stop;
    stop.request_stop();
    RunContext context;
    context.stop = stop.get_token();
    EXPECT_TRUE(fails_with(make_wordlist(path.string(), context), ErrorCode::cancelled));
}

TEST_F(Wordlist, WithTerminalCodesInItsNameIsDescribedHarmlessly)
{
    const auto path = folder_.write("evil\x1b[2J", as_bytes("a\n"));
    const auto described = make_wordlist(path.string()).unwrap()->description();
    EXPECT_EQ(described.find('\x1b'), std::string::npos);
}

} // namespace
} // namespace salvage::password
