#include "tempera/datasets/known_sets.hpp"

namespace tempera::data {
namespace {

// Yann LeCun's own address no longer serves the files; these two do, with the same content.
constexpr std::array<std::string_view, 2> kMnistMirrors{"https://ossci-datasets.s3.amazonaws.com/mnist/",
                                                        "https://storage.googleapis.com/cvdf-datasets/mnist/"};
constexpr std::array<std::string_view, 2> kFashionMirrors{
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"};
constexpr std::array<std::string_view, 2> kMnistFolders{".", "mnist"};
constexpr std::array<std::string_view, 2> kFashionFolders{"fashion_mnist", "fashion-mnist"};

constexpr KnownSet kMnist{
    .name = "mnist",
    .title = "MNIST",
    .sha256 = {"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
               "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
               "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
               "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
    .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
    .folders = kMnistFolders,
    .working = "data/mnist",
    .system = "",
    .mirrors = kMnistMirrors,
};

constexpr KnownSet kFashionMnist{
    .name = "fashion_mnist",
    .title = "Fashion-MNIST",
    .sha256 = {"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
               "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
               "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
               "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"},
    .classes = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
                "Ankle boot"},
    .folders = kFashionFolders,
    .working = "data/fashion_mnist",
    .system = "fashion-mnist",
    .mirrors = kFashionMirrors,
};

}  // namespace

const KnownSet& mnist() { return kMnist; }
const KnownSet& fashion_mnist() { return kFashionMnist; }

}  // namespace tempera::data
