// How long videos play.  exiftool, which we did not write, reads the same files.
#include "salvage/artifact/movie.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "salvage/io/sources.hpp"
#include "salvage/io/views.hpp"
#include "support/assert_result.hpp"
#include "support/files.hpp"

namespace salvage::artifact {
namespace {

using test::fails_with;
using test::is_ok;

template <typename T>
std::string number(T value)
{
    std::array<std::byte, sizeof(T)> bytes{};
    store_be(std::span<std::byte>{bytes}, value);
    return std::string{as_text(bytes)};
}

std::string box(std::string_view type, std::string_view content)
{
    return number(static_cast<std::uint32_t>(8 + content.size())) + std::string{type} + std::string{content};
}

std::string mvhd(std::uint32_t scale, std::uint32_t length)
{
    return box("mvhd", std::string(12, '\0') + number(scale) + number(length) + std::string(80, '\0'));
}

std::string long_mvhd(std::uint32_t scale, std::uint64_t length)
{
    return box("mvhd", number(std::uint32_t{1U << 24U}) + std::string(16, '\0') + number(scale) + number(length) +
                           std::string(80, '\0'));
}

const std::string start = box("ftyp", std::string{"3gp4\0\0\0\0isom3gp4", 16});

std::string movie_of(std::string_view header, std::size_t film = 5000)
{
    return start + box("mdat", std::string(film, 'x')) + box("moov", header);
}

Result<MovieFacts> facts_of(std::string_view movie)
{
    return read_movie_facts(*io::make_memory({as_bytes(movie).begin(), as_bytes(movie).end()}, "movie.mp4"));
}

std::optional<double> seconds_of(std::string_view movie)
{
    const auto facts = facts_of(movie);
    EXPECT_TRUE(is_ok(facts));
    return facts.has_value() ? facts->seconds : std::nullopt;
}

TEST(ArtifactMovie, PlaysAsLongAsExiftoolSays)
{
    if (!test::run_command("command -v exiftool")) {
        GTEST_SKIP() << "exiftool is not installed";
    }
    const test::TemporaryFolder folder;
    const auto large = number(std::uint32_t{1}) + "mdat" + number(std::uint64_t{16 + 100}) + std::string(100, 'x');
    for (const auto& movie :
         {movie_of(mvhd(1000, 65'500)), movie_of(mvhd(90'000, 1)), movie_of(mvhd(600, 600 * 3600)),
          movie_of(long_mvhd(1000, 12'345'678)), start + box("moov", mvhd(1000, 7250)) + box("mdat", "film"),
          start + large + box("moov", box("udta", "") + mvhd(30, 91)),
          box("wide", "") + box("moov", mvhd(600, 1234))}) {
        const auto path = folder.write("movie.mp4", as_bytes(movie));
        const auto said = folder.path() / "said";
        ASSERT_TRUE(test::run_command("exiftool -n -s3 -Duration " + path.string() + " > " + said.string()));
        const auto expected = std::strtod(std::string{as_text(test::read_file(said))}.c_str(), nullptr);
        ASSERT_GT(expected, 0);
        const auto seconds = seconds_of(movie);
        ASSERT_TRUE(seconds.has_value());
        EXPECT_NEAR(*seconds, expected, expected * 1e-6);
    }
}

TEST(ArtifactMovie, SaysNothingThatCannotBeBelieved)
{
    EXPECT_EQ(seconds_of(movie_of(mvhd(0, 1000))), std::nullopt);
    EXPECT_EQ(seconds_of(movie_of(mvhd(1000, 0))), std::nullopt);
    EXPECT_EQ(seconds_of(movie_of(mvhd(1, UINT32_MAX))), std::nullopt); // "not known"
    EXPECT_EQ(seconds_of(movie_of(mvhd(1, UINT32_MAX - 1))), std::nullopt);
    EXPECT_EQ(seconds_of(movie_of(long_mvhd(1, UINT64_MAX))), std::nullopt);
    EXPECT_EQ(seconds_of(movie_of(long_mvhd(1, UINT64_MAX - 1))), std::nullopt);
    EXPECT_EQ(seconds_of(movie_of(box("mvhd", std::string(12, '\0')))), std::nullopt);   // cut off
    EXPECT_EQ(seconds_of(movie_of(box("mvhd", std::string(40, '\x7F')))), std::nullopt); // a version to come
}

TEST(ArtifactMovie, OfACutOrForeignFileIsNotKnown)
{
    const auto whole = movie_of(mvhd(1000, 65'500));
    EXPECT_TRUE(fails_with(facts_of(whole.substr(0, 3000)), ErrorCode::not_found)); // the recording was cut off
    for (const std::string_view text :
         {"", "no", "a text that is no film at all", "\xFF\xD8\xFF\xE0 a photo, in fact"}) {
        EXPECT_TRUE(fails_with(facts_of(text), ErrorCode::not_found)) << text;
    }
    EXPECT_TRUE(fails_with(facts_of(start + number(std::uint32_t{7}) + "free"), ErrorCode::malformed));
    EXPECT_TRUE(fails_with(facts_of(movie_of("")), ErrorCode::not_found));
}

TEST(ArtifactMovie, IsReadAroundWhatIsLost)
{
    const auto text = movie_of(mvhd(1000, 65'500));
    const auto movie = io::make_memory({as_bytes(text).begin(), as_bytes(text).end()}, "movie.mp4");
    const auto with_bad = [&](std::uint64_t at) {
        return read_movie_facts(
            *io::make_with_bad_areas(movie, {ByteRange::make(ByteOffset{at}, ByteCount{1}).value()}));
    };
    const auto in_film = with_bad(1000);
    ASSERT_TRUE(is_ok(in_film));
    EXPECT_EQ(in_film->seconds, 65.5);
    EXPECT_TRUE(fails_with(with_bad(5), ErrorCode::unreadable));
    EXPECT_TRUE(fails_with(with_bad(text.size() - 90), ErrorCode::unreadable));
}

TEST(ArtifactMovie, IsNotWalkedForEver)
{
    std::string boxes = start;
    for (int i = 0; i < 100'000; ++i) {
        boxes += box("free", "");
    }
    EXPECT_TRUE(fails_with(facts_of(boxes + box("moov", mvhd(1000, 1000))), ErrorCode::not_found));
    const auto movie = movie_of(mvhd(1000, 65'500), 20);
    for (std::size_t i = 0; i < movie.size(); ++i) {
        static_cast<void>(facts_of(movie.substr(0, i)));
        for (const char value : {'\0', '\1', '\x7F', '\xFF'}) {
            auto changed = movie;
            changed[i] = value;
            const auto facts = facts_of(changed);
            if (facts.has_value() && facts->seconds) {
                EXPECT_GT(*facts->seconds, 0);
                EXPECT_LE(*facts->seconds, 3.6e6);
            }
        }
    }
}

} // namespace
} // namespace salvage::artifact
